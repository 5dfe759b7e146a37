import { useEffect, useRef, useState } from 'preact/hooks'
import { Icon } from './icons.js'
import type { Page } from './page.js'
import { LONGEST_OF_RINGS, WINDOWS } from './view.js'

/** A row of buttons of which one is pressed. */
function Choice<T extends string | number>(props: {
  label: string
  value: T | undefined
  options: readonly (readonly [T, string])[]
  choose(value: T): void
}) {
  return (
    <fieldset class="choice">
      <legend class="sr-only">{props.label}</legend>
      {props.options.map(([value, text]) => (
        <button
          type="button"
          key={value}
          aria-pressed={value === props.value}
          onClick={() => props.choose(value)}
        >
          {text}
        </button>
      ))}
    </fieldset>
  )
}

/** A button that opens a small panel; a click elsewhere or Escape closes it. */
export function Menu(props: { label: string; icon: 'gear' | 'save'; children: preact.ComponentChildren }) {
  const [open, setOpen] = useState(false)
  const host = useRef<HTMLDivElement>(null)
  useEffect(() => {
    if (!open) return
    const close = (event: MouseEvent | KeyboardEvent | FocusEvent) => {
      if (
        event instanceof KeyboardEvent
          ? event.key === 'Escape'
          : !host.current?.contains(event.target as Node)
      ) {
        setOpen(false)
      }
    }
    addEventListener('pointerdown', close as EventListener)
    addEventListener('keydown', close as EventListener)
    return () => {
      removeEventListener('pointerdown', close as EventListener)
      removeEventListener('keydown', close as EventListener)
    }
  }, [open])
  return (
    <div class="menu" ref={host}>
      <button
        type="button"
        class="tool"
        aria-label={props.label}
        title={props.label}
        aria-expanded={open}
        onClick={() => setOpen(!open)}
      >
        <Icon name={props.icon} />
      </button>
      {open && <div class="menu-panel">{props.children}</div>}
    </div>
  )
}

export function Toolbar({ page, help }: { page: Page; help(): void }) {
  const { view } = page
  const still = page.paused !== undefined || view.range !== undefined
  return (
    <div class="toolbar" role="toolbar" aria-label="View">
      <label class="search">
        <span class="sr-only">Filter event types</span>
        <Icon name="search" />
        <input
          id="filter"
          type="search"
          value={view.filter}
          placeholder="Filter types"
          title="Parts of names, or patterns such as http.** and cpu.*"
          maxLength={200}
          spellcheck={false}
          autocomplete="off"
          onInput={(event) => page.setView({ filter: event.currentTarget.value })}
        />
      </label>
      <Choice
        label="Window of time"
        value={view.range ? undefined : view.window}
        options={WINDOWS.filter(([seconds]) => seconds <= LONGEST_OF_RINGS || page.live.hasStore)}
        choose={(window) => page.setView({ window, range: undefined })}
      />
      <span class="live-control">
        <button
          type="button"
          class={still ? 'tool primary wide' : 'tool wide'}
          aria-keyshortcuts="Space"
          title={still ? 'Go on live (space)' : 'Pause (space)'}
          onClick={() => (still ? page.goLive() : page.pause(true))}
        >
          <Icon name={still ? 'play' : 'pause'} />
          <span>{still ? 'Live' : 'Pause'}</span>
        </button>
      </span>
      <Menu label="Settings" icon="gear">
        <p class="menu-title">Theme</p>
        <Choice
          label="Theme"
          value={view.theme}
          options={[
            ['auto', 'Auto'],
            ['light', 'Light'],
            ['dark', 'Dark'],
          ]}
          choose={(theme) => page.setView({ theme })}
        />
        <p class="menu-title">Time zone</p>
        <Choice
          label="Time zone"
          value={view.zone}
          options={[
            ['local', 'Local'],
            ['utc', 'UTC'],
          ]}
          choose={(zone) => page.setView({ zone })}
        />
        <p class="menu-title">Updates a second</p>
        <Choice
          label="Updates a second"
          value={view.rate}
          options={[
            ['auto', 'Auto'],
            ['1', '1'],
            ['4', '4'],
          ]}
          choose={(rate) => page.setView({ rate })}
        />
        <button type="button" class="menu-item" onClick={() => page.setView({ kiosk: true })}>
          <Icon name="wall" /> For a screen on the wall <kbd>K</kbd>
        </button>
        <button type="button" class="menu-item" onClick={help}>
          <Icon name="table" /> Keyboard <kbd>?</kbd>
        </button>
      </Menu>
    </div>
  )
}
