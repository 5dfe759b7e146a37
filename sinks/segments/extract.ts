/**
 * Fields of the data that have a column of their own, beside the JSON: a query reads them much faster. What is in such
 * a column is what the query would have found in the JSON, so that files with and without it answer alike.
 */
export interface Extract {
  path: string[]
  /** `number`: as DOUBLE, null for what is none. `text`: as the text of whatever is there. */
  kind: 'number' | 'text'
}

/** As it is written in a manifest, the same for the same. */
export const extractName = ({ path, kind }: Extract) => `${path.join('.')}:${kind}`

/** The name of its column, quoted. */
export const extractColumn = ({ path }: Extract) => `"data.${path.join('.').replaceAll('"', '""')}"`

/** What its column holds, from the column `data`. @param pointer a place in the JSON, as SQL */
export const extractValue = (kind: Extract['kind'], pointer: string) =>
  kind === 'text'
    ? `json_extract_string(data, ${pointer})`
    : `TRY_CAST(json_extract_string(data, ${pointer}) AS DOUBLE)`

/** A place in a document as a JSON pointer. */
export const pointerTo = (path: readonly string[]) =>
  path.map((key) => `/${key.replaceAll('~', '~0').replaceAll('/', '~1')}`).join('')
