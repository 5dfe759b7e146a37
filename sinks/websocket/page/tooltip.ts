import { clock, dateTime, show } from './format.js'

interface TooltipLine {
  name: string
  value: number
  colour: string
}

export interface TooltipContent {
  time: number
  utc: boolean
  /** The day is told too. */
  dated: boolean
  unit: string
  decimals: number | undefined
  lines: TooltipLine[]
  /** Such as how many events were lost then. */
  notes: string[]
}

/** The one tooltip of all graphs; elements are made of text nodes and used again. */
export class Tooltip {
  readonly element = document.createElement('div')
  #time = document.createElement('div')
  #list = document.createElement('div')

  constructor() {
    this.element.className = 'tooltip'
    this.element.setAttribute('aria-hidden', 'true')
    this.element.hidden = true
    this.#time.className = 'tooltip-time'
    this.element.append(this.#time, this.#list)
    document.body.append(this.element)
  }

  hide(): void {
    this.element.hidden = true
  }

  /** @param x,y of the pointer in the window */
  show(content: TooltipContent, x: number, y: number): void {
    this.#time.textContent = (content.dated ? dateTime : clock)(Math.floor(content.time), content.utc)
    this.#list.replaceChildren(
      ...content.lines.map((line) => {
        const row = document.createElement('div')
        row.className = 'tooltip-row'
        const mark = document.createElement('i')
        mark.style.background = line.colour
        const name = document.createElement('span')
        name.textContent = line.name
        const value = document.createElement('b')
        value.textContent = show(line.value, content.unit, content.decimals)
        row.append(mark, name, value)
        return row
      }),
      ...content.notes.map((text) => {
        const note = document.createElement('div')
        note.className = 'tooltip-note'
        note.textContent = text
        return note
      }),
    )
    this.element.hidden = false
    const { offsetWidth: width, offsetHeight: height } = this.element
    const left = x + 16 + width > innerWidth ? x - width - 16 : x + 16
    const top = Math.min(Math.max(8, y - height / 2), innerHeight - height - 8)
    this.element.style.transform = `translate(${Math.max(4, left)}px, ${top}px)`
  }
}
