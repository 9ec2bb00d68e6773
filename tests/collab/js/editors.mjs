// Unmodified y-websocket providers, driven by lines of JSON: {id, call, ...} in, {id, value} or {id, error} out.
// The argument is a folder with the packages of package.json.
import { createRequire } from 'node:module'
import { readFileSync } from 'node:fs'
import { createInterface } from 'node:readline'

const require = createRequire(process.argv[2] + '/')
const Y = require('yjs')
const { WebsocketProvider } = require('y-websocket')
const WebSocket = require('ws')
const { EditorState } = require('@codemirror/state')
const { yCollab, ySync } = require('y-codemirror.next')
const SAVED = 102
const editors = new Map()
process.setMaxListeners(0)

const wait = async (check, what, seconds = 25) => {
  const end = Date.now() + seconds * 1000
  while (!check()) {
    if (Date.now() > end) throw new Error('waited in vain for ' + what)
    await new Promise((done) => setTimeout(done, 5))
  }
}

const calls = {
  // Each connect takes the next of `tokens`; the last one is used again and again. The getter of `protocols`, and the
  // handler that `renews` adds, are copied from docs/collab.md.
  async open({ name, url, room, tokens, params = {}, like, synced = true, renews = false }) {
    const doc = like ? editors.get(like).doc : new Y.Doc()
    const editor = { doc, text: doc.getText('content'), closes: [], denied: [], saved: [], tried: 0, tokens }
    const take = () => {
      editor.tried++
      return editor.tokens.length > 1 ? editor.tokens.shift() : editor.tokens[0]
    }
    const provider = new WebsocketProvider(url + '/collab', room, doc, {
      WebSocketPolyfill: WebSocket, disableBc: true, connect: false, params, maxBackoffTime: 400
    })
    Object.defineProperty(provider, 'protocols', { get: () => ['nexcorp.v1', 'bearer.' + take()] })
    provider.on('connection-close', (event) => event && editor.closes.push(event.code))
    // SAVED is the service's own message: it answers a client that asks whether its updates are stored.
    provider.messageHandlers[SAVED] = (_, decoder) => editor.saved.push(decoder.arr[decoder.pos++])
    provider.messageHandlers[2] = () => editor.denied.push(true)
    editors.set(name, Object.assign(editor, { provider }))
    if (renews) {
      provider.on('status', ({ status }) => {
        const { awareness } = provider
        if (status === 'connected') awareness.setLocalState(awareness.getLocalState())
      })
    }
    provider.connect()
    if (synced) await wait(() => provider.synced, name + ' to be synced')
  },
  // Runs the code of docs/collab.md as an editor; its calls of showSaving and the like are kept in `shown`.
  async page({ name, url, room, token, path }) {
    const blocks = [...readFileSync(path, 'utf8').matchAll(/```js\n([^]*?)```/g)].map(([, code]) => code)
    const code = blocks.join('\n').replace(/^import .*$/gm, '').replace("'wss://connect.example.com/collab'", 'url')
    const known = 'Y, WebsocketProvider, url, fileId, name, color, accessToken, showSaving, showSaved, showEnded'
    const shown = []
    const show = (what) => (code) => shown.push(code ? `${what} ${code}` : what)
    globalThis.WebSocket = WebSocket
    const editor = new Function(known, code + '\nreturn { doc, provider, text }')(
      Y, WebsocketProvider, url + '/collab', room, name, 'red', () => token, show('saving'), show('saved'), show('ended')
    )
    editor.provider.disableBc = true
    editors.set(name, Object.assign(editor, { shown }))
    await wait(() => editor.provider.synced, name + ' to be synced')
  },
  async tells({ name, what }) {
    const { shown } = editors.get(name)
    await wait(() => shown.at(-1) === what, `${name} to tell ${what}, not ${shown}`)
  },
  insert({ name, at, text }) {
    const shared = editors.get(name).text
    shared.insert(at < 0 ? shared.length : at, text)
  },
  remove({ name, at, length }) {
    editors.get(name).text.delete(at, length)
  },
  // Edits the texts of `names` in turn at random places; deletions may split an emoji.
  async type({ names, times, pause }) {
    const texts = ['a', 'bcd', '😀', 'é\n', '한글', 'x😁y']
    for (let n = 0; n < times; n++) {
      const { text } = editors.get(names[n % names.length])
      const at = Math.floor(Math.random() * text.length)
      if (Math.random() < 0.6 || text.length < 5) text.insert(at, texts[n % texts.length])
      else text.delete(at, Math.min(text.length - at, 1 + Math.floor(Math.random() * 3)))
      if (pause && n % 5 === 0) await new Promise((done) => setTimeout(done, pause))
    }
  },
  read: ({ name }) => editors.get(name).text.toString(),
  shows: ({ name, text }) => wait(() => editors.get(name).text.toString() === text, `${name} to show ${text}`),
  async agree({ names }) {
    const found = () => names.map((name) => editors.get(name).text.toString())
    await wait(() => new Set(found()).size === 1, 'all to have one text')
    return found()[0]
  },
  // Asks whether all is stored, again on each new socket. Returns the client id and the clock that is stored.
  async save({ name, key, seconds = 8 }) {
    const { doc, provider, saved } = editors.get(name)
    let ws, clock
    const ask = () => {
      if (provider.synced && provider.ws !== ws) {
        ws = provider.ws
        clock = Y.getState(doc.store, doc.clientID)
        ws.send(new Uint8Array([SAVED, key]))
      }
      return saved.includes(key)
    }
    await wait(ask, key + ' to be saved', seconds)
    saved.length = 0
    return [doc.clientID, clock]
  },
  leave: ({ name }) => editors.get(name).provider.disconnect(),
  async back({ name }) {
    const { provider } = editors.get(name)
    provider.connect()
    await wait(() => provider.synced, name + ' to be synced')
  },
  give({ name, tokens }) {
    editors.get(name).tokens = tokens
  },
  point: ({ name, state }) => editors.get(name).provider.awareness.setLocalStateField('user', state),
  // The states of the other clients, as this editor sees them.
  async sees({ name, count }) {
    const { awareness } = editors.get(name).provider
    const others = () => [...awareness.getStates()].filter(([id, state]) => id !== awareness.clientID && state.user)
    await wait(() => others().length === count, `${name} to see ${count}, not ${others().length}`)
    return others().map(([, state]) => state)
  },
  async closed({ name, code }) {
    await wait(() => editors.get(name).closes.includes(code), `${name} to be closed with ${code}`)
  },
  look({ name }) {
    const { provider, closes, denied, tried } = editors.get(name)
    return { closes, denied: denied.length, tried, connected: provider.wsconnected, wants: provider.shouldConnect }
  },
  // The text in an editor of CodeMirror, bound by the plugin of y-codemirror.next; its view has no page.
  codemirror({ name }) {
    const editor = editors.get(name)
    const view = {
      state: EditorState.create({ doc: editor.text.toString(), extensions: yCollab(editor.text, null) }),
      dispatch(change) {
        const made = view.state.update(change)
        view.state = made.state
        plugin.update({ docChanged: made.docChanged, transactions: [made], changes: made.changes })
      }
    }
    const plugin = ySync.create(view)
    editor.view = view
  },
  paste({ name, at, text }) {
    const { view } = editors.get(name)
    view.dispatch({ changes: { from: at, insert: view.state.toText(text) } })
  },
  shown: ({ name }) => editors.get(name).view.state.sliceDoc(),
  end: ({ name }) => editors.get(name).provider.destroy()
}

for await (const line of createInterface({ input: process.stdin })) {
  const { id, call, ...args } = JSON.parse(line)
  Promise.resolve().then(() => calls[call](args)).then(
    (value) => console.log(JSON.stringify({ id, value: value ?? null })),
    (error) => console.log(JSON.stringify({ id, error: String(error.stack) }))
  )
}
process.exit(0)
