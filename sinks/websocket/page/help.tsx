import { useEffect, useRef } from 'preact/hooks'

const KEYS: [key: string, meaning: string][] = [
  ['Space', 'pause, and go on live'],
  ['1 … 7', 'window of time, from a minute to 30 days'],
  ['/', 'filter event types'],
  ['Esc', 'leave a zoom, or the wall'],
  ['T', 'light or dark'],
  ['K', 'for a screen on the wall'],
  ['← →', 'in a graph: read single points; Page keys: ten at once'],
  ['Drag', 'in a graph: zoom; double click: back to live'],
  ['Click', 'on a line’s name: show or hide it; double click: that one alone'],
  ['?', 'this list'],
]

/** The list of shortcuts, as a modal dialog. */
export function Help({ close }: { close(): void }) {
  const dialog = useRef<HTMLDialogElement>(null)
  useEffect(() => dialog.current?.showModal(), [])
  return (
    <dialog ref={dialog} aria-labelledby="help-title" onClose={close}>
      <h2 id="help-title">Keyboard and mouse</h2>
      <dl>
        {KEYS.map(([key, meaning]) => (
          <div key={key}>
            <dt>
              <kbd>{key}</kbd>
            </dt>
            <dd>{meaning}</dd>
          </div>
        ))}
      </dl>
      <button type="button" class="tool wide primary" onClick={() => dialog.current?.close()}>
        Close
      </button>
    </dialog>
  )
}
