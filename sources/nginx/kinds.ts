import type { Escaping } from './format.js'
import type { Hit, Upstream } from './hit.js'
import { parseRequestLine, splitTarget } from './request.js'
import { LastTime } from './time.js'
import { unescapeValue } from './unescape.js'

/** What is being made of one line. */
export interface Reading {
  hit: Hit
  /** Milliseconds since 1970. */
  time: number | undefined
  /** Whether the line holds a backslash at all. */
  escaped: boolean
}

/** How the text of a variable looks, as far as that tells where it ends. */
export type Shape = 'digits' | 'time' | 'list' | 'sentence' | 'text'

export interface Variable {
  shape: Shape
  /** Of a time: how many characters it has. */
  length?: number
  /** Whether the text can be that of this variable. Default: any can. */
  fits?(line: string, from: number, to: number): boolean
  /** Puts the value that stands at `from` to `to` into the reading. */
  read(reading: Reading, line: string, from: number, to: number): void
}

const DASH = 45

function isDash(line: string, from: number, to: number): boolean {
  return to - from === 1 && line.charCodeAt(from) === DASH
}

/** Digits with at most one point among them, or "-", or nothing. */
function isNumber(line: string, from: number, to: number): boolean {
  let points = 0
  for (let at = from; at < to; at++) {
    const code = line.charCodeAt(at)
    if (code >= 48 && code <= 57) continue
    if (code === DASH && to - from === 1) return true
    if (code !== 46 || ++points > 1 || to - from === 1) return false
  }
  return to - from <= 20
}

function toNumber(line: string, from: number, to: number): number {
  let value = 0
  // Almost all are short whole numbers.
  for (let at = from; at < to; at++) {
    const digit = line.charCodeAt(at) - 48
    if (digit < 0 || at - from > 14) return Number(line.slice(from, to))
    value = value * 10 + digit
  }
  return value
}

/** Makes what reads a variable. A new one each time, since it may remember what it read last. */
export type Kind = (escaping: Escaping) => Variable

export function number(assign: (hit: Hit, value: number) => void): Kind {
  return () => ({
    shape: 'digits',
    fits: isNumber,
    read({ hit }, line, from, to) {
      if (to > from && !isDash(line, from, to)) assign(hit, toNumber(line, from, to))
    },
  })
}

export function text(assign: (hit: Hit, value: string) => void, shape: Shape = 'text'): Kind {
  return (escaping) => {
    // With the other escapes a variable without a value is written as nothing at all.
    const absentWhenEmpty = escaping !== 'default'
    return {
      shape,
      read(reading, line, from, to) {
        if (isDash(line, from, to) || (absentWhenEmpty && from === to)) return
        const raw = line.slice(from, to)
        assign(reading.hit, reading.escaped ? unescapeValue(raw, escaping) : raw)
      },
    }
  }
}

export function time(parse: (line: string, at: number) => number, length: number): Kind {
  return () => {
    const last = new LastTime(parse, length)
    return {
      shape: 'time',
      length,
      fits: (line, from, to) => to - from === length && !Number.isNaN(last.read(line, from)),
      read(reading, line, from) {
        // $msec says the same more exactly.
        reading.time ??= last.read(line, from)
      },
    }
  }
}

/** `1721617213.123` */
export const msec: Kind = () => ({
  shape: 'digits',
  fits: (line, from, to) => to > from && isNumber(line, from, to) && !isDash(line, from, to),
  read(reading, line, from, to) {
    reading.time = Math.round(Number(line.slice(from, to)) * 1000)
  },
})

export const request: Kind = (escaping) => ({
  shape: 'sentence',
  read(reading, line, from, to) {
    if (isDash(line, from, to)) return
    const raw = line.slice(from, to)
    const parsed = parseRequestLine(raw)
    if (parsed === undefined) {
      reading.hit.request = raw
      return
    }
    reading.hit.method = parsed.method
    setTarget(reading.hit, reading.escaped ? unescapeValue(parsed.target, escaping) : parsed.target)
    reading.hit.httpVersion = parsed.httpVersion
  },
})

export function setTarget(hit: Hit, target: string): void {
  const { path, query } = splitTarget(target)
  hit.target = target
  if (path !== undefined) hit.path = path
  if (query !== undefined) hit.query = query
}

/** A list over all servers that were tried: `, ` between those of one group, ` : ` after an internal redirect. */
export function upstream(assign: (each: Upstream, item: string) => void): Kind {
  return () => ({
    shape: 'list',
    read({ hit }, line, from, to) {
      const raw = line.slice(from, to)
      if (raw === '' || raw === '-') return
      hit.upstream ??= []
      for (const [i, item] of raw.split(/, | : /).entries()) {
        hit.upstream[i] ??= {}
        if (item !== '-' && item !== '') assign(hit.upstream[i], item)
      }
    },
  })
}

export function upstreamNumber(name: Exclude<keyof Upstream, 'addr'>): Kind {
  return upstream((each, item) => {
    const value = Number(item)
    if (!Number.isNaN(value)) each[name] = value
  })
}
