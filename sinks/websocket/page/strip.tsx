import { useEffect, useRef } from 'preact/hooks'
import type { TypeInfo } from '../protocol.js'
import { show } from './format.js'
import { Icon } from './icons.js'
import type { Page } from './page.js'
import { PictureMaker } from './picture.js'
import { silenceOf } from './silence.js'
import { drawSpark } from './spark.js'
import { identity } from './store.js'

/** A type in 30 pixels: its rate over the window, and a way to open it. */
export function Strip({ page, info }: { page: Page; info: TypeInfo }) {
  const { type, hint } = info
  const canvas = useRef<HTMLCanvasElement>(null)
  useEffect(() => {
    const element = canvas.current!
    const maker = new PictureMaker()
    const draw = () => {
      const { store } = page.live
      const entry = store.entries.get(identity({ type }))
      if (!entry) return
      const [from, to] = page.window()
      const line = { name: 'events', entry, reading: 'rate' as const, colour: 0 }
      const { values, times, lost } = maker.make(store, type, [line], from, to, page.end())
      const [column] = values
      if (!column) return
      // The buffer is the maker's own until the next picture.
      for (let i = 0; i < column.length; i++)
        if (column[i] === Number.POSITIVE_INFINITY) column[i] = Number.NaN
      drawSpark(element, column, hint?.color ?? 0, (i) =>
        lost.some((span) => times[i]! >= span.from && times[i]! < span.to),
      )
    }
    return page.scheduler.add({ element, draw })
  }, [type])
  const { store } = page.live
  const rate = store.rate(type, store.timeline.bucket(Math.min(page.window()[1], page.end())))
  const title = hint?.title ?? type
  const silence = silenceOf(page, info)
  return (
    <li class="strip" data-type={type}>
      <button
        type="button"
        class="strip-open"
        title={`Open ${type}`}
        onClick={() =>
          page.setView({
            opened: [...page.view.opened.filter((each) => each !== type), type],
            closed: page.view.closed.filter((each) => each !== type),
          })
        }
      >
        <Icon name="open" />
        <span class="strip-name">{title}</span>
      </button>
      <canvas ref={canvas} class="spark" aria-hidden="true" />
      <span class="strip-rate">
        {silence ? (
          <span class="muted" title={silence.long}>
            {silence.short}
          </span>
        ) : (
          <>
            {show(rate)}
            <span class="unit">/s</span>
          </>
        )}
      </span>
    </li>
  )
}
