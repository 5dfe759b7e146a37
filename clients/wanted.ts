import {
  Binary,
  BSON,
  Code,
  Decimal128,
  Double,
  Int32,
  Long,
  MaxKey,
  MinKey,
  ObjectId,
  Timestamp,
} from 'bson'

/** The one type that the program of an interoperability test emits. */
export const TYPE = 'interop.event'

/** Milliseconds since 1970 of event 0; each further one is a millisecond later. */
const FIRST_TIME = 1_767_323_045_678

/**
 * What event `i` of an interoperability test has to be: the members in this order, and each value of the BSON type that it
 * has here. `data` has every BSON type that is not deprecated.
 */
export function wantedEvent(i: number) {
  return {
    time: new Date(FIRST_TIME + i),
    data: {
      i: new Int32(i),
      long: Long.fromString('9007199254740993').add(i),
      half: new Double(i / 2),
      text: `Grüße ${i}`,
      even: i % 2 === 0,
      none: null,
      at: new Date(-1 - i),
      bytes: new Binary(Buffer.from('0001ff', 'hex'), 0),
      uuid: new Binary(Buffer.from('00112233445566778899aabbccddeeff', 'hex'), 4),
      id: new ObjectId('00112233445566778899aabb'),
      price: Decimal128.fromString('1.50'),
      stamp: new Timestamp({ t: 1, i: 2 }),
      pattern: new BSON.BSONRegExp('a+', 'i'),
      code: new Code('f()'),
      least: new MinKey(),
      most: new MaxKey(),
      list: [new Int32(1), 'two', new Double(3.5)],
      inner: { a: { b: [] } },
    },
    partitionkey: 'eu',
  }
}

/** The same as the bytes that must come. */
export const wantedBytes = (i: number): Uint8Array => BSON.serialize(wantedEvent(i))
