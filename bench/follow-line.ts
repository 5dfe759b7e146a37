const WORDS = ['GET /', 'grüße', '漢字かな', 'naïve', '😀 status=200', 'ascii only']

/** The text of a line, known from its number alone, with characters of one to four bytes. */
export function lineOf(number: number): string {
  const word = WORDS[number % WORDS.length]!
  return `line ${number} ${word.repeat(1 + (number % 7))} end`
}
