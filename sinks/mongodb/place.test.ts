import assert from 'node:assert/strict'
import { test } from 'node:test'
import { readPlace, withoutSecrets } from './place.js'

test('a URL is taken as drivers take it, and shown without what is secret', () => {
  const shown = (url: string) => [readPlace(url).database, readPlace(url).shown]
  assert.deepEqual(shown('mongodb://a'), ['eventstorm', 'mongodb://a/eventstorm'])
  assert.deepEqual(shown('mongodb://u:p%40ss@a:1,b:2/shop?replicaSet=x'), ['shop', 'mongodb://a:1,b:2/shop'])
  assert.deepEqual(shown('mongodb+srv://u:p@a.example/?w=majority'), [
    'eventstorm',
    'mongodb+srv://a.example/eventstorm',
  ])
})

test('texts of errors lose user, password and secret options, and nothing else', () => {
  const url = 'mongodb://frank:p%40ss@a/shop?replicaSet=shop&tlsCertificateKeyFilePassword=k3y&w=1'
  const told = (text: string) => withoutSecrets(text, readPlace(url))
  assert.equal(told(`cannot parse ${url}`), 'cannot parse mongodb://a/shop')
  assert.equal(
    told('no user frank with p@ss or p%40ss in shop, key k3y'),
    'no user *** with *** or *** in shop, key ***',
  )
  assert.equal(
    withoutSecrets('connect ECONNREFUSED a:1', readPlace('mongodb://a:1')),
    'connect ECONNREFUSED a:1',
  )
})
