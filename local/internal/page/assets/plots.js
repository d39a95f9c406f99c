// Plots of the last ten minutes, with uPlot.
import { colour, h, select, short } from './lib.js'
import { queueName, store } from './store.js'

const library = () => window.uPlot ? Promise.resolve() : new Promise((ok, bad) => {
	document.head.append(h('script', { src: 'uplot.js', onload: ok, onerror: bad }))
})

export function open(panel, ctx) {
	const bar = h('div.bar')
	const grid = h('div.two')
	panel.append(bar, grid)
	let charts = []
	let name = ''
	let queue = ''
	let closed = false

	const byTime = (list, key, value) => list.filter(s => s[key] === value).sort((a, b) => a.time - b.time)
	// rows fills up the seconds in which nothing happened.
	function rows(list, columns, empty) {
		const end = Math.floor((Date.now() + store.offset) / 1000) - 1
		const start = Math.max(end - 299, Math.min(list[0]?.time ?? end, end - 30))
		const at = new Map(list.map(s => [s.time, s]))
		const out = [[], ...columns.map(() => [])]
		for (let t = start; t <= end; t++) {
			out[0].push(t)
			columns.forEach((c, n) => out[n + 1].push(at.has(t) ? c(at.get(t)) : empty))
		}
		return out
	}
	const fn = () => store.functions.find(f => f.name === name)
	const plots = [
		{ title: 'Latency, ms (p50 and p99)', unit: 'ms', empty: null, log: true, source: 'function', series: [['waited p99', s => s.waitedMs[2] || null, 'frozen'], ['init p50', s => s.initMs[0] || null, 'init'], ['handler p50', s => s.handlerMs[0] || null, 'busy'], ['handler p99', s => s.handlerMs[2] || null, 'spill']] },
		{ title: 'Concurrency against provisioned and reserved', empty: 0, source: 'function', series: [['at once', s => s.busy, 'busy', true], ['on provisioned', s => s.provisioned, 'busy2', true], ['provisioned', () => fn()?.provisioned ?? 0, 'ink'], ['reserved', () => fn()?.reserved ?? null, 'kill']] },
		{ title: 'Each second: invocations, cold, spilled over, throttled', empty: 0, source: 'function', series: [['invocations', s => s.count, 'busy'], ['cold', s => s.cold, 'init'], ['spilled over', s => s.spill, 'spill'], ['throttled', s => s.throttled, 'kill']] },
		{ title: 'Cold share, %', empty: 0, source: 'function', series: [['cold', s => s.count ? 100 * s.cold / s.count : 0, 'init', true]] },
		{ title: 'Queue depth', empty: 0, source: 'queue', series: [['visible', s => s.visible, 'busy', true], ['in flight', s => s.inFlight, 'spill'], ['delayed', s => s.delayed, 'init']] },
		{ title: 'Age of the oldest message, s', empty: 0, source: 'queue', series: [['age', s => s.ageSeconds, 'kill', true]] },
	]
	function data(p) {
		const list = p.source === 'queue' ? byTime(store.series.queues, 'queue', queue) : byTime(store.series.functions, 'function', name)
		const out = rows(list, p.series.map(s => s[1]), p.empty)
		p.series.forEach((s, n) => { if (s[0] === 'provisioned' || s[0] === 'reserved') out[n + 1].fill(s[1]()) })
		return out
	}
	function build() {
		for (const c of charts) c.u.destroy()
		grid.replaceChildren()
		const tens = (u, ticks) => ticks.map(v => v > 0 && Math.abs(Math.log10(v) % 1) < 1e-6 ? v : null)
		const axis = { stroke: colour('dim'), grid: { stroke: colour('line'), width: 1 }, ticks: { stroke: colour('line'), width: 1 }, font: '11px ui-monospace,monospace' }
		charts = plots.map(p => {
			const box = h('div.card.body', { 'aria-label': p.title })
			grid.append(box)
			const u = new window.uPlot({
				title: p.title, width: Math.max(260, box.clientWidth - 10), height: 220, cursor: { sync: { key: 'hearth' } },
				scales: { y: p.log ? { distr: 3 } : { range: (u, lo, hi) => [0, Math.max(1, hi * 1.1)] } },
				axes: [axis, { ...axis, size: 54, ...(p.log ? { filter: tens, grid: { ...axis.grid, filter: tens }, ticks: { ...axis.ticks, filter: tens }, values: (u, ticks) => ticks.map(v => v == null ? '' : String(v)) } : {}) }],
				series: [{ label: 'at' }, ...p.series.map(([label, , c, fill]) => ({ label, stroke: colour(c), width: 1.5, fill: fill ? colour(c) + '33' : undefined, points: { show: label.startsWith('init'), size: 5 }, spanGaps: false, value: (u, v) => v == null ? '–' : String(Math.round(v * 100) / 100) }))],
			}, data(p), box)
			return { u, p, box }
		})
	}
	function choose() {
		const q = ctx.route().query
		name = q.function || name || store.functions[0]?.name || ''
		queue = q.queue || queue || store.queues[0]?.name || ''
		bar.replaceChildren(select('function', name, store.functions.map(f => [f.name, short(f.name)]), v => ctx.replace('plots', [], { ...q, function: v })),
			select('queue', queue, store.queues.map(f => [f.name, queueName(f.name)]), v => ctx.replace('plots', [], { ...q, queue: v })))
	}
	const update = () => charts.forEach(c => c.u.setData(data(c.p)))
	const resize = () => charts.forEach(c => c.u.setSize({ width: Math.max(260, c.box.clientWidth - 10), height: 220 }))
	const observer = new ResizeObserver(resize)
	choose()
	library().then(() => { if (!closed) { build(); observer.observe(grid) } })
	const timer = setInterval(() => { if (!ctx.isPaused()) update() }, 1000)
	return {
		close() { closed = true; clearInterval(timer); observer.disconnect(); charts.forEach(c => c.u.destroy()) },
		route() { choose(); update() },
		theme() { if (charts.length) build() },
		tick() { if (!name && store.functions[0]) { choose(); update() } },
	}
}
