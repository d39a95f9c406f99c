// Queues: what they hold, FIFO queues as lanes of message groups, and all that can be
// done to queues and messages.
import { act, api, confirm, count, countdown, form, h, pretty, short, span } from './lib.js'
import { queueName, store } from './store.js'

const nameOf = q => queueName(q.name)
const path = (name, rest = '') => `queues/${encodeURIComponent(name)}/${rest}`

// send asks for a message and puts it on a queue.
async function send(q) {
	const fields = { '': h('textarea', { name: 'body', 'aria-label': 'Body', required: true }) }
	if (q.fifo) fields.Group = h('input', { name: 'group', value: 'default', required: true })
	else fields['Delay, seconds'] = h('input', { name: 'delay', type: 'number', min: 0, max: 900, value: 0 })
	const v = await form('Send to ' + nameOf(q), fields, 'Send')
	if (v) return act('Sent', 'send?' + new URLSearchParams({ name: q.name, ...(q.fifo ? { group: v.group } : { delay: v.delay || 0 }) }), { text: v.body })
}

// open shows the queues, or those that only wants.
export function open(panel, ctx, only = () => true) {
	const cards = new Map()
	const list = h('div')
	panel.append(list)
	let shown = ''

	function card(q) {
		const stats = h('div')
		const mapping = h('small.dim')
		const pause = h('button', { 'data-act': 'pause', onclick: () => toggle(q.name) })
		const redrive = h('button', { 'data-act': 'redrive', onclick: () => act('Redriven', path(q.name, 'redrive')) }, 'Redrive all')
		const messages = h('div.body')
		const root = h('section.card', { 'aria-label': nameOf(q), 'data-queue': q.name },
			h('div.head', h('h2', h('a', { href: ctx.link('queues', [q.name]) }, nameOf(q))), mapping, h('span.grow'),
				h('button', { 'data-act': 'send', onclick: () => send(q).then(load) }, 'Send'), pause, redrive,
				h('button', { 'data-act': 'purge', className: 'danger', onclick: async () => { if (await confirm(`Purge ${nameOf(q)}?`, 'All of its messages are deleted, those in flight too.', 'Purge')) act('Purged', path(q.name, 'purge')).then(load) } }, 'Purge')),
			h('div.body', stats), messages)
		list.append(root)
		let data = { messages: [], total: 0 }
		let read = 0
		let key = ''
		const update = v => {
			const c = v.counters
			const stat = (n, text, bad) => h('span.stat', h('b', { className: bad ? 'bad' : '' }, n), h('small', text))
			stats.replaceChildren(stat(count(c.visible), 'visible'), stat(count(c.inFlight), 'in flight'), stat(count(c.delayed), 'delayed'), v.deadLetterQueue ? stat(count(c.dead), 'dead', c.dead) : '', stat(v.ageSeconds ? span(v.ageSeconds * 1000) : '–', 'oldest'), stat(count(c.sent), 'sent'), stat(count(c.deleted), 'deleted'))
			const m = store.eventSources.find(e => e.queue === v.name)
			const source = store.queues.find(o => o.deadLetterQueue === v.name)
			mapping.textContent = (v.fifo ? 'FIFO · ' : '') + (m ? `→ ${short(m.function.replace(/^.*:function:/, '').replace(/:.*/, ''))} · ${m.counters.running} of ${m.counters.allowed} batches${m.counters.paused ? ' · paused' : ''}` : 'no consumer')
			pause.hidden = !m
			pause.textContent = m?.counters.paused ? 'Resume mapping' : 'Pause mapping'
			redrive.hidden = !source
		}
		const view = { root, update, draw, load, get messages() { return data.messages } }
		async function load() {
			const v = store.queues.find(o => o.name === q.name)
			if (!v || v.counters.visible + v.counters.inFlight + v.counters.delayed === 0) data = { messages: [], total: 0 }
			else data = await api(path(q.name, 'messages?limit=200')).catch(() => data)
			read = Date.now()
			draw()
		}
		function draw() {
			const at = Date.parse(data.time) + (ctx.still ? 0 : Date.now() - read)
			const left = m => Date.parse(m.visibleAt) - at
			const fresh = data.messages.map(m => m.id + m.state + (m.visibleAt ? countdown(left(m)) : '')).join() + shown
			if (fresh === key) return
			key = fresh
			const chip = (m, first) => {
				const state = m.state === 'visible' && !first && q.fifo ? 'waits' : m.state === 'inFlight' && m.receives > 1 ? 'again' : m.state
				const text = m.state === 'visible' ? first || !q.fifo ? 'visible' : 'waits' : `${m.state === 'inFlight' ? m.receives > 1 ? `received ${m.receives}× · back in` : 'in flight' : 'delayed'} ${countdown(left(m))}`
				return h('a', { className: 'chip ' + state, href: ctx.link('queues', [q.name, m.id]), title: m.body, 'data-message': m.id, 'aria-current': shown === m.id }, text)
			}
			let content = ''
			if (q.fifo && data.messages.length) {
				const groups = new Map()
				for (const m of data.messages) groups.set(m.group, [...(groups.get(m.group) || []), m])
				content = h('div.groups', [...groups].slice(0, 40).map(([name, ms]) => [h('b', { title: 'message group ' + name, className: ms[0].state === 'inFlight' && ms[0].receives > 1 ? 'bad' : '' }, name),
					h('div.chips', ms.slice(0, 12).map((m, n) => chip(m, n === 0 || ms[n - 1].state === 'inFlight' && m.state === 'inFlight')), ms.length > 12 ? h('small.dim', `+${ms.length - 12}`) : '')]))
			} else if (data.messages.length) content = h('div.chips.wrap', data.messages.slice(0, 60).map(m => chip(m, true)))
			messages.replaceChildren(...[content, data.total > data.messages.length && h('small.dim', `the first ${data.messages.length} of ${data.total}`)].filter(Boolean))
		}
		return view
	}
	async function toggle(name) {
		const m = store.eventSources.find(e => e.queue === name)
		await act(m.counters.paused ? 'It is polled again' : 'Nothing is polled', `eventsources/${encodeURIComponent(m.logicalId)}/${m.counters.paused ? 'resume' : 'pause'}`)
	}
	function render() {
		for (const q of store.queues) {
			if (!only(q)) continue
			if (!cards.has(q.name)) cards.set(q.name, card(q))
			cards.get(q.name).update(q)
		}
		for (const [name, c] of cards) if (!store.queues.some(q => q.name === name)) { c.root.remove(); cards.delete(name) }
	}
	const load = () => Promise.all([...cards.values()].map(c => c.load()))
	const timer = setInterval(() => { if (!ctx.isPaused()) load() }, 1000)
	const drawing = setInterval(() => cards.forEach(c => c.draw()), 250)
	render()
	load()
	let last = 0
	return {
		close() { clearInterval(timer); clearInterval(drawing) },
		tick() {
			if (performance.now() - last < 200) return
			last = performance.now()
			render()
		},
		route(r) {
			shown = r.selection[1] || ''
			cards.get(r.selection[0])?.root.scrollIntoView({ block: 'nearest' })
		},
		side: (side, [name, id]) => id ? message(side, ctx, name, id, () => load()) : null,
	}
}

// message is one message with all that can be done to it.
function message(side, ctx, name, id, changed) {
	const body = h('div')
	side.append(body)
	const done = async (what, action, json) => { if (await act(what, path(name, `messages/${id}/${action}`), { json: json || {} })) { changed(); ctx.go('queues', [name]) } }
	;(async () => {
		const { messages } = await api(path(name, 'messages?limit=1000'))
		const m = messages.find(m => m.id === id)
		if (!m) return body.replaceChildren(h('h2', 'The message is gone'), h('p.dim', 'It was deleted, or moved to another queue.'))
		const dead = store.queues.some(q => q.deadLetterQueue === name)
		body.replaceChildren(h('h2', 'Message'), h('div.dim.num', `${m.state} · received ${m.receives}× · sent ${m.sent.slice(11, 23)} UTC${m.group ? ' · group ' + m.group : ''}`),
			h('div', { className: 'acts' },
				h('button', { id: 'show', disabled: m.state === 'visible', onclick: () => done('Visible', 'show') }, 'Make visible'),
				dead ? h('button', { id: 'redrive', onclick: () => done('Redriven', 'redrive') }, 'Redrive') : '',
				dead ? h('button', { id: 'edit', onclick: async () => { const v = await form('Edit and redrive', { '': h('textarea', { name: 'body', value: m.body, 'aria-label': 'Body' }) }, 'Redrive'); if (v) done('Redriven', 'redrive', { body: v.body }) } }, 'Edit and redrive') : '',
				h('button', { id: 'delete', className: 'danger', onclick: async () => { if (await confirm('Delete this message?', 'It cannot be brought back.', 'Delete')) done('Deleted', 'delete') } }, 'Delete')),
			h('h3', 'Body'), h('pre', { tabIndex: 0 }, pretty(m.body)),
			h('h3', 'Attributes'), h('table', Object.entries({ id: m.id, sender: m.sender, ...(m.deduplicationId ? { 'deduplication id': m.deduplicationId } : {}), ...(m.source ? { 'came from': m.source } : {}), ...(m.visibleAt ? { 'visible at': m.visibleAt } : {}), ...m.attributes }).map(([k, v]) => h('tr', h('td.dim', k), h('td.num', v)))))
	})()
	return {}
}
