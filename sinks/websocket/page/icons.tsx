/** Drawn with the colour of the text around them; what they mean stands on the button. */
const PATHS = {
  pause: 'M7 5v14M17 5v14',
  play: 'M8 5l11 7-11 7z',
  pin: 'M9 4h6l-1 6 3 3v2H7v-2l3-3zM12 15v5',
  table: 'M4 5h16v14H4zM4 10h16M4 14.5h16M10 5v14',
  save: 'M12 4v11M7 10.5l5 5 5-5M5 20h14',
  close: 'M6 6l12 12M18 6L6 18',
  open: 'M12 5v14M5 12h14',
  gear: 'M4 7h9M19 7h1M16 4.5v5M4 17h2M12 17h8M9 14.5v5',
  search: 'M11 4a7 7 0 1 0 0 14 7 7 0 0 0 0-14zM16 16l4.5 4.5',
  copy: 'M9 9h11v11H9zM5 15H4V4h11v1',
  apart: 'M4 5h7v6H4zM14 5h6v6h-6zM4 14h7v6H4zM14 14h6v6h-6z',
  wall: 'M4 9V4h5M20 9V4h-5M4 15v5h5M20 15v5h-5',
} as const

export type IconName = keyof typeof PATHS

export function Icon({ name }: { name: IconName }) {
  return (
    <svg class="icon" viewBox="0 0 24 24" aria-hidden="true" focusable="false">
      <path d={PATHS[name]} />
    </svg>
  )
}
