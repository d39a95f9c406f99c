// Log lines of all functions, parsed, filtered, live.
import { api, clockTime, fields, h, select, short } from './lib.js'
import { store } from './store.js'

const hidden = new Set(['timestamp', 'time', 'level', 'message', 'msg', 'requestId', 'traceId', 'functionVersion'])
const unquote = v => { try { return JSON.parse(v) } catch { return v } }

// parse takes a line apart. What is not JSON is a message.
export function parse(l) {
	const list = fields(l.text)
	if (!list) return { level: l.instance ? '' : 'LAMBDA', message: l.text, rest: [] }
	const get = (...names) => { const f = list.find(([k]) => names.includes(k)); return f ? String(unquote(f[1])) : '' }
	if (list.some(([k]) => k === '_aws')) return { level: 'METRIC', message: '', rest: list.filter(([k]) => k !== '_aws' && !hidden.has(k)) }
	return { level: get('level').toUpperCase(), message: get('message', 'msg'), rest: list.filter(([k]) => !hidden.has(k)) }
}

export function lineOf(l, ctx, brief) {
	const p = parse(l)
	return h('div', { className: p.level }, h('time', clockTime(l.time, true)), h('b', p.level.slice(0, 6)), brief ? '' : h('span.dim', short(l.function)),
		h('span', l.function ? p.message.replace(l.function + ': ', '') : p.message, p.rest.map(([k, v]) => [' ', h('i', k + '='), v.startsWith('"') && !/[\s=]/.test(v) ? unquote(v) : v])), brief || !l.request ? '' : h('a', { href: ctx.link('logs', ['invocation', l.request], ctx.route().query), title: l.request }, l.request.slice(0, 8)))
}

export function open(panel, ctx) {
	let q = {}
	let list = []
	let last = 0
	const bar = h('div.bar')
	const body = h('div.log', { tabIndex: 0, 'aria-label': 'Log lines, newest first' })
	const more = h('button', { onclick: async () => { const { lines } = await api('logs?' + new URLSearchParams({ text: q.text || '', function: q.function || '', before: list.at(-1)?.number || 0, limit: 300 })); list.push(...lines); more.disabled = !lines.length; draw(list.length) } }, 'Older')
	panel.append(bar, body, h('div.acts', more))
	const matches = l => (!q.function || l.function === q.function) && (!q.text || l.text.toLowerCase().includes(q.text.toLowerCase())) && (() => {
		const level = parse(l).level
		return q.level ? q.level === 'ERROR' ? level === 'ERROR' || level === 'LAMBDA' : level === q.level : level !== 'METRIC'
	})()
	const known = new Map()
	function draw(limit = 200) {
		const wanted = list.filter(matches).slice(0, limit)
		const numbers = new Set(wanted.map(l => l.number))
		for (const [n, e] of known) if (!numbers.has(n)) { e.remove(); known.delete(n) }
		wanted.forEach((l, n) => {
			if (!known.has(l.number)) known.set(l.number, lineOf(l, ctx))
			if (body.children[n] !== known.get(l.number)) body.insertBefore(known.get(l.number), body.children[n] || null)
		})
		if (!wanted.length) body.replaceChildren(h('p.empty', 'No line matches.'))
		else body.querySelector('.empty')?.remove()
	}
	const set = (k, v) => ctx.replace('logs', ctx.route().selection, { ...q, [k]: v })
	return {
		route(r) {
			q = r.query
			known.clear()
			body.replaceChildren()
			list = [...store.lines]
			draw()
			if (bar.contains(document.activeElement)) return
			bar.replaceChildren(h('input', { type: 'search', id: 'text', placeholder: 'text  ( / )', value: q.text || '', oninput: e => set('text', e.target.value), 'aria-label': 'Text' }),
				select('function', q.function || '', [['', 'all functions'], ...store.functions.map(f => [f.name, short(f.name)])], v => set('function', v)),
				select('level', q.level || '', [['', 'all but metrics'], 'ERROR', 'WARN', 'INFO', 'DEBUG', 'METRIC'], v => set('level', v)))
		},
		tick(t) {
			if (!t.lines.length || performance.now() - last < 250) return
			last = performance.now()
			list = [...store.lines]
			draw()
		},
	}
}
