/** The front door of the room that reads the head of syslog lines, as files and networks have them. */
export { type SyslogHead, SyslogHeads, type SyslogOptions } from './head.js'
export { alsoPrefixed } from './prefixed.js'
export { checkZone, type WallClock, wallClock, zoneOption } from './zone.js'
