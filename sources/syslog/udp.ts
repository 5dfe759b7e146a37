import { createSocket, type Socket } from 'node:dgram'
import { once } from 'node:events'
import { isIPv6 } from 'node:net'
import { type Logger, reason } from '../../lib/index.js'
import { type Address, showAddress } from './address.js'
import { kernelDrops } from './kernel-drops.js'

/** A socket for datagrams, each of which is one message. */
export class UdpInput {
  address: Address
  #socket: Socket
  #kernelDropped = 0

  private constructor(socket: Socket, address: Address) {
    this.#socket = socket
    this.address = address
  }

  /** @throws what the system says when the address cannot be bound */
  static async open(
    address: Address,
    receiveBuffer: number,
    log: Logger,
    onMessage: (bytes: Buffer, sender: string) => void,
  ): Promise<UdpInput> {
    const socket = createSocket({
      type: isIPv6(address.host) ? 'udp6' : 'udp4',
      recvBufferSize: receiveBuffer,
    })
    socket.bind({ address: address.host, port: address.port, exclusive: true })
    try {
      await once(socket, 'listening')
    } catch (error) {
      socket.close()
      throw error
    }
    const bound = { host: address.host, port: socket.address().port }
    socket.on('error', (error) => {
      log.warn({ address: showAddress(bound), error: reason(error) }, 'socket for datagrams had an error')
    })
    socket.on('message', (bytes, { address: sender }) => onMessage(bytes, sender))
    const granted = socket.getRecvBufferSize()
    // Linux says twice of what it grants, since it counts its own book-keeping.
    if (granted < receiveBuffer) {
      log.info(
        { address: showAddress(bound), wanted: receiveBuffer, granted },
        'the system grants a smaller receive buffer (see net.core.rmem_max)',
      )
    }
    return new UdpInput(socket, bound)
  }

  /** Datagrams that the kernel has thrown away, as of the last `look`. */
  get kernelDropped(): number {
    return this.#kernelDropped
  }

  async look(): Promise<void> {
    this.#kernelDropped = (await kernelDrops(this.address)) ?? this.#kernelDropped
  }

  async close(): Promise<void> {
    const closed = once(this.#socket, 'close')
    this.#socket.close()
    await closed
  }
}
