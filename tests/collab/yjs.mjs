// Edits made with yjs itself; the first argument is a folder in which yjs is installed. `node yjs.mjs <folder> make
// <seed> <cases>` prints cases as JSON: hex updates of three clients in the order in which a server gets them, and the text
// that all clients have in the end. `node yjs.mjs <folder> read` reads lists of updates from stdin and prints their texts.
import { createRequire } from 'node:module'

const [folder, command, seed, cases] = process.argv.slice(2)
const Y = createRequire(folder + '/')('yjs')

const TEXTS = ['😀', 'a', 'bc', '😀x😁', 'é', '한', '\r\n']

function edit(text, rnd) {
  const length = text.length
  if (rnd() < 0.55 || length < 3) {
    text.insert(Math.floor(rnd() * (length + 1)), TEXTS[Math.floor(rnd() * TEXTS.length)])
  } else {
    // Positions count UTF-16 units: a deletion may split an emoji.
    const at = Math.floor(rnd() * (length - 1))
    text.delete(at, Math.min(length - at, 1 + Math.floor(rnd() * 3)))
  }
}

// Adds one of each type that an update can hold.
function addKinds(doc) {
  const map = doc.getMap('meta')
  map.set('any', { a: [1, 2.5, -3n, 2 ** 40, null, true, 'x', new Uint8Array([1, 2])], b: {} })
  map.set('undefined', undefined)
  const nested = new Y.Map()
  map.set('map', nested)
  nested.set('list', Y.Array.from([1, 'two', [3]]))
  doc.getArray('list').push([new Uint8Array([1]), new Y.Text('inside'), new Y.XmlElement('p'), new Y.XmlText('x')])
  const fragment = doc.getXmlFragment('xml')
  fragment.insert(0, [new Y.XmlElement('p'), new Y.XmlText('text')])
  fragment.get(0).setAttribute('class', 'wide')
  doc.getText('content').insertEmbed(0, { image: 'x' })
  doc.getText('content').format(0, 1, { bold: true })
  map.set('doc', new Y.Doc({ guid: 'another' }))
  map.delete('any')
}

function make(seed, number) {
  let state = seed * 2654435761 % 2 ** 31
  const rnd = () => (state = (state * 1103515245 + 12345) & 0x7fffffff) / 0x7fffffff
  const docs = [1, 2, 3].map((id) => Object.assign(new Y.Doc(), { clientID: id * 1000 + number }))
  const log = []
  const waiting = docs.map(() => [])
  docs.forEach((doc, i) => doc.on('update', (update, origin) => origin === 'net' || waiting[i].push(update)))
  const send = (i) => {
    for (const update of waiting[i].splice(0)) {
      log.push(Buffer.from(update).toString('hex'))
      docs.forEach((doc, j) => j === i || Y.applyUpdate(doc, update, 'net'))
    }
  }
  for (let n = 0; n < 24; n++) {
    const i = Math.floor(rnd() * 3)
    edit(docs[i].getText('content'), rnd)
    if (rnd() < 0.6) send(i)
  }
  docs.forEach((_, i) => send(i))
  if (number === 0) {
    addKinds(docs[0])
    send(0)
  }
  return { log, text: docs[1].getText('content').toString() }
}

function read(log) {
  const doc = new Y.Doc()
  log.forEach((update) => Y.applyUpdate(doc, Buffer.from(update, 'hex')))
  if (doc.store.pendingStructs || doc.store.pendingDs) throw new Error('an update is missing')
  return doc.getText('content').toString()
}

if (command === 'make') {
  console.log(JSON.stringify(Array.from({ length: Number(cases) }, (_, n) => make(Number(seed) * 1000 + n, n))))
} else {
  let input = ''
  for await (const chunk of process.stdin) input += chunk
  console.log(JSON.stringify(JSON.parse(input).map(read)))
}
