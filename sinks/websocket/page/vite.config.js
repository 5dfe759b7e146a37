import { defineConfig } from 'vite'

/** The page as hashed files that any static server can hand out from any path; nothing inline, as its CSP wants it. */
export default defineConfig({
  root: import.meta.dirname,
  base: './',
  logLevel: 'warn',
  publicDir: false,
  oxc: { jsx: { runtime: 'automatic', importSource: 'preact' } },
  build: {
    outDir: '../../../dist/sinks/websocket/page',
    emptyOutDir: true,
    target: 'es2022',
    assetsInlineLimit: 0,
    modulePreload: false,
    // Preact and uPlot are in the files, so what their licences want told goes along.
    license: { fileName: 'licenses.md' },
    reportCompressedSize: false,
  },
})
