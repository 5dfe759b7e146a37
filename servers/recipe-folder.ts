import { fileURLToPath } from 'node:url'

/** The folder of a recipe in the checkout, from `dist/servers/recipe-folder.js`. */
export function recipeFolder(name: string): string {
  return fileURLToPath(new URL(`../../servers/${name}`, import.meta.url))
}
