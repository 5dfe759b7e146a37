import { lasting } from './format.js'
import { Icon } from './icons.js'
import type { Page } from './page.js'

/** What a page shows to which nothing has come yet: where it listens, and how to send something there. */
export function Empty({ page }: { page: Page }) {
  const { live } = page
  if (live.state !== 'open') {
    return (
      <section class="card empty">
        <h2>{live.state === 'refused' ? 'The server has closed the connection' : 'Connecting …'}</h2>
        <p class="muted">{live.reason || 'Waiting for the server.'}</p>
      </section>
    )
  }
  if (page.view.filter) {
    return (
      <section class="card empty">
        <h2>No event type matches “{page.view.filter}”</h2>
        <button type="button" class="tool wide" onClick={() => page.setView({ filter: '' })}>
          Show all types
        </button>
      </section>
    )
  }
  const command = `npx eventstorm emit hello.world '{"value": 42}'`
  return (
    <section class="card empty">
      <h2>Listening, nothing received yet</h2>
      <dl>
        <dt>Endpoint</dt>
        <dd>
          {live.endpoints.map((each) => (
            <code key={each}>{each}</code>
          ))}
        </dd>
        <dt>Subscribed to</dt>
        <dd>
          {(live.subscribe.length > 0 ? live.subscribe : ['**']).map((each) => (
            <code key={each}>{each}</code>
          ))}
        </dd>
        <dt>Waiting for</dt>
        <dd>{lasting(Math.max(0, Date.now() - live.opened)).replace(/\.\d/, '')}</dd>
      </dl>
      <p>Send a first event:</p>
      <div class="command">
        <code>{command}</code>
        <button
          type="button"
          class="tool"
          aria-label="Copy the command"
          title="Copy"
          onClick={() =>
            void navigator.clipboard?.writeText(command).then(
              () => page.say('Copied'),
              () => page.say('The browser does not let the page copy'),
            )
          }
        >
          <Icon name="copy" />
        </button>
      </div>
    </section>
  )
}
