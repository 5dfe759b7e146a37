/** What the program of a syslog line says about a Postfix process. */
export interface Program {
  /** `syslog_name` of the instance: `postfix`, `postfix-in`. */
  instance: string
  /** The path between instance and daemon, which master.cf sets: `submission`, `smtps`, `authclean`. */
  service?: string
  /** `smtpd`, `qmgr`, `cleanup` and so on. */
  daemon: string
}

/** More programs than a machine has; only a damaged log has more. */
const MOST_REMEMBERED = 1000

/** Tells the programs of Postfix from others in the same log. */
export class Programs {
  #names: Set<string>
  #known = new Map<string, Program | undefined>()

  /** @param names values of `syslog_name` besides `postfix` and `postfix-...` */
  constructor(names: readonly string[] = []) {
    this.#names = new Set(names)
  }

  /** Undefined for programs that are no part of Postfix. */
  find(program: string): Program | undefined {
    let found = this.#known.get(program)
    if (found === undefined && !this.#known.has(program)) {
      found = this.#read(program)
      if (this.#known.size >= MOST_REMEMBERED) this.#known.clear()
      this.#known.set(program, found)
    }
    return found
  }

  #read(program: string): Program | undefined {
    const first = program.indexOf('/')
    if (first < 0) {
      // Other packages call themselves postfix-policyd-spf and so on: without a slash only the commands are Postfix.
      if (program === 'postfix-script') return { instance: 'postfix', daemon: program }
      return program === 'postfix' || this.#names.has(program)
        ? { instance: program, daemon: 'postfix' }
        : undefined
    }
    const instance = program.slice(0, first)
    if (instance !== 'postfix' && !instance.startsWith('postfix-') && !this.#names.has(instance))
      return undefined
    const last = program.lastIndexOf('/')
    const daemon = program.slice(last + 1)
    if (daemon === '') return undefined
    return first === last
      ? { instance, daemon }
      : { instance, service: program.slice(first + 1, last), daemon }
  }
}
