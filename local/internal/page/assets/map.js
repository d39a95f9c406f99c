// The map: how the assembly wires things, with what passed along each wire.
import { api, count, h, short, svg } from './lib.js'
import { queueName } from './store.js'

const columns = { http: 0, websocket: 0, schedule: 0, function: 1, queue: 2, table: 2, database: 2 }
const titles = { http: 'HTTP API', websocket: 'WebSocket API', schedule: 'schedule', function: 'function', queue: 'queue', table: 'table', database: 'database' }
const wide = 210
const tall = 46

export function open(panel, ctx) {
	const box = h('div.card')
	const rest = h('div')
	panel.append(box, rest)
	let before = null
	let data = null
	async function load() {
		const fresh = await api('map')
		const at = performance.now()
		for (const e of fresh.edges) {
			const old = before?.edges.find(o => o.from === e.from && o.to === e.to && o.kind === e.kind)
			e.rate = old ? (e.count - old.count) / ((at - before.at) / 1000) : 0
		}
		before = { edges: fresh.edges, at }
		data = fresh
		draw()
	}
	function draw() {
		const dead = new Set(data.edges.filter(e => e.kind === 'deadLetters').map(e => e.to))
		const places = new Map()
		const heights = [0, 0, 0, 0]
		for (const n of data.nodes) {
			const c = dead.has(n.id) ? 3 : columns[n.kind]
			places.set(n.id, { c, r: heights[c]++ })
		}
		const rows = Math.max(...heights, 1)
		const width = 4 * wide + 3 * 120 + 20
		const height = rows * (tall + 24) + 30
		for (const p of places.values()) {
			p.x = 10 + p.c * (wide + 120)
			p.y = 20 + p.r * (tall + 24) + (rows - heights[p.c]) * (tall + 24) / 2
		}
		const wires = []
		const texts = []
		for (const e of data.edges) {
			const a = places.get(e.from)
			const b = places.get(e.to)
			if (!a || !b) continue
			const back = b.c < a.c
			const x1 = back ? a.x : a.x + wide
			const x2 = back ? b.x + wide : b.x
			const shift = back ? 9 : -7
			const y1 = a.y + tall / 2 + shift
			const y2 = b.y + tall / 2 + shift
			const bend = back ? -60 : 60
			const cls = [e.kind, e.rate > 0 ? 'live' : '', e.failed && e.rate > 0 ? 'fails' : ''].join(' ')
			wires.push(svg('path', { class: cls, d: `M${x1} ${y1}C${x1 + bend} ${y1} ${x2 - bend} ${y2} ${x2} ${y2}`, 'marker-end': 'url(#arrow)' }, svg('title', {}, `${e.kind}: ${e.count}${e.failed ? `, ${e.failed} failed` : ''}`)))
			const fan = !back && data.edges.filter(o => o.from === e.from && o.count).length > 1
			if (e.count) texts.push(svg('text', { class: e.failed ? 'bad' : 'dim', x: fan ? x2 - 9 : x1 + (back ? -8 : 8), y: fan ? y2 - 4 : y1 + (back ? 13 : -4), 'text-anchor': back || fan ? 'end' : 'start' }, `${count(e.count)}${e.rate >= 0.05 ? ` · ${e.rate.toFixed(1)}/s` : ''}${e.failed ? ` · ${count(e.failed)} ✕` : ''}`))
		}
		const clip = (text, n) => text.length > n ? text.slice(0, n - 1) + '…' : text
		const nodes = data.nodes.map(n => {
			const p = places.get(n.id)
			const found = n.findings.map(i => data.findings[i])
			const worst = found.some(f => f.severity === 'error') ? 'error' : found.length ? 'warning' : ''
			const name = n.kind === 'function' ? short(n.name) : n.kind === 'queue' ? queueName(n.name) : n.kind === 'database' ? n.name.replace(/^.*@/, '') : n.name.replace(/-[0-9A-F]{8}$/, '')
			const open = () => ctx.go('map', [n.id])
			return svg('g', { class: 'node ' + worst, transform: `translate(${p.x} ${p.y})`, tabindex: 0, role: 'link', 'aria-label': `${titles[n.kind]} ${name}, ${found.length} findings`, onclick: open, onkeydown: e => { if (e.key === 'Enter') open() } },
				svg('title', {}, n.name), svg('rect', { width: wide, height: tall, rx: 8 }),
				svg('text', { x: 12, y: 20 }, clip(name, 27)), svg('text', { class: 'dim', x: 12, y: 36 }, dead.has(n.id) ? 'dead letters' : titles[n.kind]),
				found.length ? svg('text', { class: worst === 'error' ? 'bad' : 'dim', x: wide - 10, y: 36, 'text-anchor': 'end' }, `▲ ${found.length} finding${found.length > 1 ? 's' : ''}`) : null)
		})
		box.replaceChildren(svg('svg', { class: 'map', viewBox: `0 0 ${width} ${height}`, role: 'group', 'aria-label': 'Map of the app' },
			svg('defs', {}, svg('marker', { id: 'arrow', viewBox: '0 0 8 8', refX: 7, refY: 4, markerWidth: 7, markerHeight: 7, orient: 'auto' }, svg('path', { d: 'M0 0L8 4L0 8', class: 'live' }))), wires, nodes, texts))
		const kinds = new Map()
		for (const r of data.notSimulated) kinds.set(r.type, [...(kinds.get(r.type) || []), r])
		rest.replaceChildren(data.checkError ? h('p.bad', data.checkError) : '',
			kinds.size ? h('section.card', h('div.head', h('h2', 'Not simulated')), h('div.body.grey', [...kinds].map(([k, list]) => h('span.pill', { title: list.map(r => r.logicalId + (r.why ? ': ' + r.why : '')).join('\n') }, k.replace('AWS::', ''), list.length > 1 ? ` ×${list.length}` : '')))) : '',
			data.findings.length ? h('section.card', h('div.head', h('h2', 'Findings of the checks')), h('div.body', data.findings.map(f => h('p', h('span', { className: f.severity === 'error' ? 'bad' : 'warn' }, f.severity), ` ${f.rule} · ${f.logicalId}: `, h('span.dim', f.message))))) : h('p.dim', 'The checks have no finding.'))
	}
	load()
	const timer = setInterval(() => { if (!ctx.isPaused()) load() }, 2000)
	return {
		close: () => clearInterval(timer),
		side(side, [id]) {
			const body = h('div')
			side.append(body)
			const update = () => {
				const n = data?.nodes.find(n => n.id === id)
				if (!n || body.firstChild) return
				const to = { function: ['invocations', [], { function: n.name }], queue: ['queues', [n.name]], schedule: ['schedules'], websocket: ['connections'], http: ['invocations', [], { source: 'http' }] }[n.kind]
				body.append(h('h2', n.name), h('div.dim', `${titles[n.kind]} · ${n.logicalId}`), to ? h('div.acts', h('a', { href: ctx.link(...to) }, 'Look inside →')) : '',
					h('h3', 'Wires'), h('table', data.edges.filter(e => e.from === id || e.to === id).map(e => h('tr', h('td', e.from === id ? '→ ' + e.to.split('/')[1] : '← ' + e.from.split('/')[1]), h('td.num.r', count(e.count)), h('td.num.r.bad', e.failed ? count(e.failed) + ' ✕' : '')))),
					h('h3', 'Findings'), h('div', n.findings.map(i => h('p', h('b', data.findings[i].rule), ' ', data.findings[i].message))), n.findings.length ? '' : h('p.dim', 'none'))
			}
			update()
			return { tick: update }
		},
	}
}
