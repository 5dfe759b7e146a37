import { render } from 'preact'
import 'uplot/dist/uPlot.min.css'
import './styles/theme.css'
import './styles/elements.css'
import './styles/bar.css'
import './styles/cards.css'
import './styles/tables.css'
import './styles/strips.css'
import './styles/overlays.css'
import './styles/small.css'
import { App } from './app.js'
import { Page } from './page.js'

const page = new Page()
render(<App page={page} />, document.getElementById('page')!)
page.live.start()
