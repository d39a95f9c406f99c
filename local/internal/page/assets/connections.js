// WebSocket connections, what passes both ways, and a client of the page's own.
import { act, api, clockTime, confirm, h, pretty } from './lib.js'
import { store } from './store.js'

export function open(panel, ctx) {
	const apis = h('div')
	const frames = h('div.log')
	const url = h('input', { id: 'url', size: 44, 'aria-label': 'Address' })
	const text = h('input', { id: 'message', size: 36, placeholder: '{"action": "ping"}', 'aria-label': 'Message' })
	const dial = h('button', { id: 'dial', onclick: connect }, 'Connect')
	const say = h('button', { id: 'say', disabled: true, onclick: () => socket.send(text.value) }, 'Send')
	const state = h('span.dim', { role: 'status' }, 'not connected')
	panel.append(h('section.card', { 'aria-label': 'A client here' }, h('div.head', h('h2', 'A client here'), state), h('div.body', h('div.bar', url, dial, text, say))),
		apis, h('section.card', h('div.head', h('h2', 'Messages'), h('small.dim', '→ from a client, ← to a client')), h('div.body', frames)))
	let socket = null
	function connect() {
		if (socket) return socket.close(1000)
		try { socket = new WebSocket(url.value) } catch (e) { state.textContent = e.message; return }
		state.textContent = 'connecting'
		dial.textContent = 'Close'
		socket.onopen = () => { state.textContent = 'connected'; say.disabled = false; load() }
		socket.onmessage = e => { state.textContent = 'got ' + e.data.slice(0, 120) }
		socket.onclose = e => { state.textContent = `closed ${e.code} ${e.reason}`; socket = null; say.disabled = true; dial.textContent = 'Connect'; load() }
	}
	async function load() {
		const answer = await api('connections')
		if (!url.value && answer.apis[0]) url.value = answer.apis[0].url
		apis.replaceChildren(...answer.apis.map(a => h('section.card', { 'aria-label': a.logicalId }, h('div.head', h('h2', a.logicalId), h('small.dim.num', a.url), h('small', `${a.connections.length} connected`)),
			h('div.body', a.connections.length ? h('table', h('thead', h('tr', ['Connection', 'Since', 'Active', 'Client', ''].map(t => h('th', t)))), h('tbody', a.connections.map(c => h('tr', { 'data-connection': c.id },
				h('td.num', h('a', { href: ctx.link('connections', [c.id]) }, c.id)), h('td.num', c.connected.slice(11, 19)), h('td.num', c.lastActive.slice(11, 19)), h('td', c.userAgent || c.sourceIp), h('td', buttons(c.id)))))) : h('p.dim', 'Nobody is connected.')))))
		if (!answer.apis.length) apis.replaceChildren(h('p.empty', 'The app has no WebSocket API.'))
		store.frames = answer.frames
		draw()
	}
	const path = (id, what) => `connections/${encodeURIComponent(id)}/${what}`
	const sure = async (id, what, title, note) => { if (await confirm(title, note, title.split(' ')[0])) act(what === 'close' ? 'Closed' : 'Lost', path(id, what)).then(load) }
	const buttons = id => [h('button', { 'data-act': 'close', onclick: () => sure(id, 'close', 'Close the connection?', 'The client gets a close frame with code 1000.') }, 'Close'), ' ',
		h('button', { 'data-act': 'lose', onclick: () => sure(id, 'lose', 'Lose the client?', 'The connection ends without a close frame, as when its network is gone.') }, 'Lose')]
	let drawn = -1
	function draw() {
		const only = ctx.route().selection[0]
		const list = store.frames.filter(f => !only || f.connection === only).slice(0, 150)
		if (drawn === (list[0]?.number ?? -2)) return
		drawn = list[0]?.number ?? -2
		frames.replaceChildren(...list.map(f => h('div', h('time', clockTime(f.time, true)), h('a', { href: ctx.link('connections', [f.connection]) }, f.connection), h('span', { in: '→', out: '←', connect: '●', disconnect: '✕' }[f.kind]), h('span', f.kind === 'connect' ? 'connected' : f.text))))
	}
	load()
	const timer = setInterval(load, 2000)
	return {
		close() { clearInterval(timer); socket?.close() },
		tick(t) { if (t.frames.length) draw() },
		route: () => { drawn = -1; draw() },
		side(side, [id]) {
			const push = h('textarea', { id: 'pushtext', 'aria-label': 'Text' })
			const last = h('pre', { tabIndex: 0 })
			side.append(h('h2', 'Connection'), h('div.dim.num', id), h('h3', 'Push to the client'), push, h('div.acts', h('button', { id: 'push', className: 'primary', onclick: () => act('Pushed', path(id, 'push'), { text: push.value }) }, 'Push'), buttons(id)), h('h3', 'Last message'), last)
			const update = () => { last.replaceChildren(...pretty(store.frames.find(f => f.connection === id && f.text)?.text || '')) }
			update()
			return { tick: t => { if (t.frames.length) update() } }
		},
	}
}
