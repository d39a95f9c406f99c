// All invocations, newest first, with filters that the address keeps.
import { api, clockTime, h, select, short, span } from './lib.js'
import { isBad, labelOf, store } from './store.js'
import { status } from './detail.js'

const sources = ['http', 'websocket', 'queue', 'schedule', 'async', 'invoke', 'replay']
const statuses = ['failed', 'ok', 'running', 'error', 'timeout', 'crash', 'throttled']
const most = 200

export function open(panel, ctx) {
	let q = {}
	let list = []
	let held = 0 // new ones while paused
	const bar = h('div.bar')
	const body = h('tbody')
	const more = h('button', { onclick: older }, 'Older')
	const note = h('span.dim', { role: 'status' })
	panel.append(bar, h('table', h('thead', h('tr', ['Time', 'What', 'Source', 'Function', 'Status'].map(t => h('th', t)), ['Waited', 'Init', 'Handler'].map(t => h('th.r', t)))), body), h('div.acts', more, note))
	const rows = new Map()

	function row(i) {
		const key = i.status + i.code + Math.round(i.handlerMs)
		let r = rows.get(i.number)
		if (r?.dataset.key !== key) {
			const fresh = h('tr.row', { 'data-id': i.id, onclick: () => ctx.go('invocations', ['invocation', i.id], q) },
				h('td.num', clockTime(i.time, true)), h('td', h('a', { href: ctx.link('invocations', ['invocation', i.id], q) }, labelOf(i))), h('td', i.source), h('td', short(i.function)),
				h('td', status(i), i.spill ? [' ', h('span.pill.spill', 'spill')] : '', i.cold ? [' ', h('span.pill.cold', 'cold')] : ''),
				[i.waitedMs, i.initMs, i.handlerMs].map((ms, n) => h('td.num.r', n === 1 && !i.cold ? '' : span(ms))))
			fresh.dataset.key = key
			r?.remove()
			rows.set(i.number, r = fresh)
		}
		r.setAttribute('aria-selected', ctx.route().selection[1] === i.id)
		return r
	}
	function render() {
		const wanted = list.map(row)
		const set = new Set(wanted)
		for (const [n, r] of rows) if (!set.has(r)) { r.remove(); rows.delete(n) }
		wanted.forEach((r, n) => { if (body.children[n] !== r) body.insertBefore(r, body.children[n] || null) })
		note.textContent = list.length ? held ? `${held} new while paused` : '' : 'Nothing matches.'
	}
	const matches = i => (!q.source || i.source === q.source) && (!q.function || i.function === q.function) && (!q.status || (q.status === 'failed' ? isBad(i) : i.status === q.status)) &&
		(!q.minMs || i.initMs + i.handlerMs >= Number(q.minMs)) && (!q.text || (i.label + ' ' + i.id + ' ' + (i.error || '')).toLowerCase().includes(q.text.toLowerCase()))
	const ask = extra => api('invocations?' + new URLSearchParams({ ...q, limit: 100, ...extra }))
	async function load() {
		list = (await ask({})).invocations
		render()
	}
	async function older() {
		const { invocations } = await ask({ before: list.at(-1)?.number || 0 })
		list.push(...invocations)
		more.disabled = invocations.length === 0
		render()
	}
	const set = (k, v) => ctx.replace('invocations', ctx.route().selection, { ...q, [k]: v })
	function filters() {
		if (bar.contains(document.activeElement)) return
		bar.replaceChildren(h('input', { type: 'search', id: 'text', placeholder: 'path, id, error  ( / )', value: q.text || '', oninput: e => set('text', e.target.value), 'aria-label': 'Text' }),
			select('source', q.source || '', [['', 'all sources'], ...sources], v => set('source', v)), select('status', q.status || '', [['', 'all statuses'], ...statuses], v => set('status', v)),
			select('function', q.function || '', [['', 'all functions'], ...store.functions.map(f => [f.name, short(f.name)])], v => set('function', v)),
			h('label', 'longer than', h('input', { type: 'number', id: 'min', min: 0, value: q.minMs || '', size: 5, oninput: e => set('minMs', e.target.value) }), 'ms'))
	}
	let last = 0
	let queued = []
	return {
		route(r) {
			const same = JSON.stringify(r.query) === JSON.stringify(q)
			q = r.query
			filters()
			if (same && list.length) render()
			else load()
		},
		tick(t) {
			queued.push(...t.invocations)
			if (performance.now() - last < 250) return
			last = performance.now()
			for (const i of queued) {
				const at = list.findIndex(o => o.number === i.number)
				if (at >= 0) list[at] = i
				else if (matches(i)) list.unshift(i)
			}
			queued = []
			list.length = Math.min(list.length, most)
			render()
		},
		key(k) {
			if (k !== 'j' && k !== 'k') return false
			const at = list.findIndex(i => i.id === ctx.route().selection[1]) + (k === 'j' ? 1 : -1)
			if (list[Math.max(at, 0)]) ctx.go('invocations', ['invocation', list[Math.max(at, 0)].id], q)
			return true
		},
	}
}
