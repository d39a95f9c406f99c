// The start page: a lane for each instance, and above it how full the function is.
import { act, api, clockTime, colour, confirm, count, h, short, span } from './lib.js'
import { labelOf, now, store } from './store.js'
import * as queues from './queues.js'

const row = 21 // a lane's height
const bar = 15 // a bar's
const tank = 104 // the height of the strip that fills up
const column = 3 // the width of its steps
const windows = [15, 30, 60, 120, 300]
const maxFree = 6 // free places that are drawn

export function open(panel, ctx) {
	let seconds = Number(localStorage.window) || 60
	let frozenAt = 0 // the right edge while paused
	const cards = new Map()
	let colours = theme()
	const tip = h('div.tip', { hidden: true })
	const zoom = h('span', { role: 'group', 'aria-label': 'Time shown' })
	const list = h('div')
	const buttons = windows.map(s => h('button', { onclick: () => setWindow(s) }, s < 60 ? s + ' s' : s / 60 + ' min'))
	zoom.append(...buttons)
	const setWindow = s => {
		seconds = s
		localStorage.window = s
		buttons.forEach((b, i) => b.setAttribute('aria-pressed', windows[i] === s))
		dirty = true
	}
	const below = h('div')
	panel.append(h('div.bar', legend(), h('span.grow'), zoom), list, below, tip)
	const waiting = queues.open(below, ctx, q => store.eventSources.some(e => e.queue === q.name))
	const edge = () => frozenAt || now() - 150 // a little late, so that bars do not jump
	let dirty = true
	let last = 0
	let stopped = false
	setWindow(seconds)

	function frame() {
		if (stopped) return
		requestAnimationFrame(frame)
		const at = edge()
		const width = list.clientWidth - 126
		// Half a pixel is the least that can be seen.
		if (!dirty && (at - last) / (seconds * 1000) * width < 0.5) return
		dirty = false
		last = at
		for (const f of store.functions) {
			if (!cards.has(f.name)) cards.set(f.name, card(f))
			cards.get(f.name).draw(at)
		}
		for (const [name, c] of cards) if (!store.functions.some(f => f.name === name)) { c.root.remove(); cards.delete(name) }
	}

	function card(f) {
		const canvas = h('canvas.lane', { role: 'img' })
		const labels = h('div.labels')
		const stats = h('small.num')
		const about = h('small.dim')
		const stop = h('button', { onclick: () => toggle(f.name) })
		const table = h('tbody')
		const details = h('details', { ontoggle: () => rows() }, h('summary', 'Instances as a table'),
			h('div.body', h('table', h('thead', h('tr', ['Instance', 'Pool', 'State', 'Process', 'Invocations', 'Since', ''].map(t => h('th', t)))), table)))
		const root = h('section.card', { 'aria-label': short(f.name) },
			h('div.head', h('h2', short(f.name)), about, stats, h('span.grow'), stop),
			h('div.lanes', labels, canvas), details)
		list.append(root)
		let layout = null
		let described = 0
		let tableKey = ''

		const fn = () => store.functions.find(x => x.name === f.name) || f
		const mine = () => [...store.instances.values()].filter(i => i.function === f.name)

		function rows() {
			if (!details.open) return
			const alive = mine().filter(i => !i.ended).sort((a, b) => b.provisioned - a.provisioned || a.id - b.id)
			const key = alive.map(i => i.id + i.state + i.invocations).join()
			if (key === tableKey) return
			tableKey = key
			table.replaceChildren(...alive.map(i => h('tr.row', { onclick: () => ctx.go('instances', ['instance', i.id]) },
				h('td', h('a', { href: ctx.link('instances', ['instance', i.id]) }, '#' + i.id)), h('td', i.provisioned ? 'provisioned' : 'on demand'), h('td', i.state), h('td.num', i.pid || ''),
				h('td.num', i.invocations), h('td.num', clockTime(i.born)), h('td', h('button', { onclick: e => { e.stopPropagation(); kill(i) } }, 'Kill')))))
		}

		function describe(now) {
			if (now - described < 300) return
			described = now
			const v = fn()
			const alive = mine().filter(i => !i.ended)
			const busy = alive.filter(i => i.state === 'busy' || i.state === 'init' && !i.provisioned).length
			about.textContent = `${v.memoryMb} MB · ${v.timeoutSeconds} s`
			const recent = store.series.functions.filter(s => s.function === f.name && s.time > now / 1000 - 12)
			const n = recent.reduce((a, s) => a + s.count, 0)
			const best = recent.reduce((a, s) => s.count > (a?.count || 0) ? s : a, null)
			const cold = recent.reduce((a, s) => a + s.cold, 0)
			stats.replaceChildren(`${busy} of ${v.reserved ?? '–'} in use · ${(n / 10).toFixed(n < 100 ? 1 : 0)}/s`,
				best ? ` · p50 ${span(best.handlerMs[0])} · p99 ${span(best.handlerMs[2])}` : '', cold ? ` · cold ${(100 * cold / n).toFixed(1)} %` : '',
				v.counters.throttles ? h('span.bad', ` · throttled ${count(v.counters.throttles)}`) : '')
			stop.textContent = v.reserved === 0 ? 'Start again' : 'Stop function'
			stop.title = v.reserved === 0 ? 'Reserved concurrency as in the template' : 'Reserved concurrency 0'
			canvas.setAttribute('aria-label', `${short(f.name)}: ${alive.filter(i => i.provisioned).length} provisioned and ${alive.filter(i => !i.provisioned).length} other instances, ${busy} busy, ${v.counters.throttles} throttled, ${v.counters.spilloverInvocations} spilled over`)
			rows()
		}

		function draw(at) {
			const v = fn()
			const from = at - seconds * 1000
			const visible = mine().filter(i => !i.ended || i.ended > from)
			const provisioned = Math.max(v.provisioned, ...visible.filter(i => i.provisioned).map(i => i.slot + 1))
			const used = Math.max(0, ...visible.filter(i => !i.provisioned).map(i => i.slot + 1))
			const room = v.reserved == null ? used : Math.max(0, v.reserved - v.provisioned)
			const demand = v.reserved === 0 ? used : Math.max(used, Math.min(room, used + 1, maxFree), Math.min(room, maxFree), room == null ? 1 : 0)
			const marks = store.marks.filter(m => m.f === f.name && m.t > from && m.t <= at)
			const refused = marks.filter(m => m.k === 'throttled')
			const y0 = tank + 10
			const y1 = y0 + provisioned * row + (provisioned ? 7 : 0)
			const y2 = y1 + demand * row + 5
			const height = y2 + 22 + 18
			const width = canvas.clientWidth || 800
			const scale = devicePixelRatio || 1
			if (canvas.width !== Math.round(width * scale) || canvas.height !== Math.round(height * scale)) {
				canvas.width = Math.round(width * scale)
				canvas.height = Math.round(height * scale)
				canvas.style.height = height + 'px'
			}
			layout = { from, at, width, provisioned, demand, y0, y1, y2, visible }
			const x = t => (t - from) / (seconds * 1000) * width
			const g = canvas.getContext('2d')
			g.setTransform(scale, 0, 0, scale, 0, 0)
			g.fillStyle = colours.panel
			g.fillRect(0, 0, width, height)
			const lines = drawTank(g, { x, v, visible, refused, width, from, at })
			if (provisioned) {
				g.fillStyle = colours.prov
				g.fillRect(0, y0 - 3, width, provisioned * row + 4)
			}
			if (demand) {
				g.fillStyle = colours.odem
				g.fillRect(0, y1 - 3, width, demand * row + 4)
			}
			// Free places up to the reserved concurrency.
			g.strokeStyle = colours.frozen
			g.setLineDash([3, 4])
			g.lineWidth = 1
			for (let s = 0; s < demand; s++) {
				g.beginPath()
				g.moveTo(0, y1 + s * row + bar / 2 + 0.5)
				g.lineTo(width, y1 + s * row + bar / 2 + 0.5)
				g.stroke()
			}
			g.setLineDash([])
			for (const i of visible) lane(g, i, i.provisioned ? y0 + i.slot * row : y1 + i.slot * row, x, at)
			for (const m of marks) if (m.i) mark(g, m, store.instances.get(m.i), { x, y0, y1 })
			if (v.reserved != null) { // the line that lanes fill up to
				g.fillStyle = colours.ink
				g.fillRect(0, y2 - 3, width, 1.5)
			}
			throttles(g, refused, x, y2 + 2)
			axis(g, from, at, width, height)
			label(labels, { v, provisioned, demand, room, y0, y1, y2, refused, lines })
			describe(at)
		}

		canvas.onmousemove = e => {
			const hit = find(e)
			tip.hidden = !hit
			if (!hit) return
			tip.textContent = hit.text
			tip.style.left = Math.min(e.clientX + 14, innerWidth - 260) + 'px'
			tip.style.top = e.clientY + 14 + 'px'
		}
		canvas.onmouseleave = () => { tip.hidden = true }
		canvas.onclick = async e => {
			const hit = find(e)
			if (!hit) return
			if (hit.request) return ctx.go('instances', ['invocation', hit.request])
			if (hit.bar && hit.bar.k !== 'init') {
				const { invocations } = await api(`invocations?instance=${hit.instance.id}&from=${Math.floor(hit.bar.s - 12000)}&to=${Math.ceil(hit.bar.e)}&limit=400`)
				const ran = i => Math.abs(i.time + i.waitedMs + i.initMs + i.handlerMs - hit.at)
				const best = invocations.sort((a, b) => ran(a) - ran(b))[0]
				if (best) return ctx.go('instances', ['invocation', best.id])
			}
			if (hit.instance) ctx.go('instances', ['instance', hit.instance.id])
		}

		function find(e) {
			if (!layout) return null
			const at = layout.from + e.offsetX / layout.width * (layout.at - layout.from)
			const y = e.offsetY
			const slack = (layout.at - layout.from) / layout.width * 4
			if (y >= layout.y2) {
				const m = store.marks.filter(m => m.f === f.name && m.k === 'throttled' && Math.abs(m.t - at) < 2 * slack).sort((a, b) => Math.abs(a.t - at) - Math.abs(b.t - at))[0]
				return m && { request: m.r, text: `throttled${m.n > 1 ? ' ×' + m.n : ''} · ${clockTime(m.t, true)}` }
			}
			if (y < layout.y0 - 3) return null
			const provisioned = y < layout.y1 - 4
			const slot = Math.floor((y - (provisioned ? layout.y0 : layout.y1) + 3) / row)
			const i = layout.visible.find(i => i.provisioned === provisioned && i.slot === slot && i.born <= at + slack && (!i.ended || i.ended >= at - slack))
			if (!i) return null
			const b = i.bars.findLast(b => b.s - slack <= at && b.e + slack >= at)
			const what = b ? `${{ init: 'init', busy: 'busy', spill: 'busy, spilled over', failed: 'failed' }[b.k]} ${span(b.e - b.s)}${b.n > 1 ? ' ×' + b.n : ''}` : i.state === 'init' ? 'init' : 'idle, warm'
			return { instance: i, bar: b, at, text: `instance ${i.id} · ${i.provisioned ? 'provisioned' : 'on demand'}\n${what} · ${clockTime(at, true)}${i.ended && at > i.ended - slack ? '\nended: ' + i.why : ''}` }
		}
		return { root, draw }
	}

	// lane draws one instance.
	function lane(g, i, y, x, at) {
		const w = x(at)
		const from = Math.max(x(i.born), -2)
		const to = Math.min(i.ended ? x(i.ended) : w, w)
		g.fillStyle = colours.panel
		g.fillRect(from, y - 1, to - from, bar + 2)
		g.fillStyle = colours.frozen
		g.fillRect(Math.max(i.ready ? x(i.ready) : to, -2), y + bar / 2 - 1.5, Math.max(0, to - Math.max(i.ready ? x(i.ready) : to, -2)), 3)
		// Bars that are less than a pixel apart are drawn as one.
		let kind = ''
		let a = 0
		let b = 0
		const flush = () => {
			if (!kind) return
			const left = Math.round(a)
			const width = Math.max(Math.round(b) - left, 2)
			if (kind === 'init') hatch(g, left, y, width)
			else {
				g.fillStyle = colours[kind]
				g.fillRect(left, y, width, bar)
			}
		}
		for (let n = firstVisible(i.bars, at - seconds * 1000); n < i.bars.length; n++) {
			const s = i.bars[n]
			const xa = x(s.s)
			const xb = x(s.e)
			if (xa > w) break
			if (kind === s.k && xa - b < 0.8) b = Math.max(b, xb)
			else {
				flush()
				kind = s.k
				a = Math.max(xa, -2)
				b = xb
			}
		}
		flush()
		if (!i.ended && i.state === 'busy' && i.since < at) {
			g.fillStyle = i.provisioned ? colours.busy : colours.spill
			g.fillRect(x(i.since), y, Math.max(w - x(i.since), 1.5), bar)
		}
		if (!i.ready && !i.ended && i.born < at) hatch(g, Math.max(x(i.born), -2), y, w - Math.max(x(i.born), -2))
		if (i.ended && i.ended < at) {
			g.fillStyle = colours.dim
			g.fillRect(x(i.ended) - 1, y - 1, 1.5, bar + 2)
		}
	}

	function hatch(g, left, y, width) {
		g.save()
		g.beginPath()
		g.rect(left, y, width, bar)
		g.clip()
		g.fillStyle = colours.panel
		g.fillRect(left, y, width, bar)
		g.strokeStyle = colours.init
		g.lineWidth = 2
		g.beginPath()
		for (let d = left - bar - (left % 5 + 5) % 5; d < left + width; d += 5) {
			g.moveTo(d, y + bar)
			g.lineTo(d + bar, y)
		}
		g.stroke()
		g.restore()
		g.strokeStyle = colours.init
		g.lineWidth = 1
		g.strokeRect(left + 0.5, y + 0.5, Math.max(width - 1, 1), bar - 1)
	}

	// drawTank draws how many instances are busy as an area that fills up to the lines of
	// provisioned and reserved concurrency; what was refused is above them.
	function drawTank(g, { x, v, visible, refused, width, from, at }) {
		const columns = Math.ceil(width / column)
		const busy = new Float32Array(columns + 1)
		const perColumn = seconds * 1000 / columns
		const add = (s, e) => {
			const a = (s - from) / perColumn
			const b = (e - from) / perColumn
			for (let c = Math.max(0, Math.floor(a)); c <= Math.min(columns - 1, b); c++) busy[c] += Math.min(c + 1, b) - Math.max(c, a)
		}
		for (const i of visible) {
			for (let n = firstVisible(i.bars, from); n < i.bars.length; n++) if (!(i.provisioned && i.bars[n].k === 'init')) add(i.bars[n].s, i.bars[n].e)
			if (!i.ended && i.state === 'busy') add(i.since, at)
			if (!i.ended && !i.ready && !i.provisioned) add(i.born, at)
		}
		for (let n = columns - 2; n > 0; n--) busy[n] = (busy[n - 1] + 2 * busy[n] + busy[n + 1]) / 4
		let peak = 1
		for (const b of busy) peak = Math.max(peak, b)
		const top = v.reserved ? Math.max(v.reserved, peak) <= Math.max(12, 2.5 * peak) ? Math.max(v.reserved, peak) : Math.max(peak, v.provisioned) * 1.3 : Math.max(peak, v.provisioned) * 1.15
		const floor = tank
		const y = n => floor - n / top * (tank - 18)
		const area = (limit, base, c) => {
			g.fillStyle = c
			g.beginPath()
			g.moveTo(0, y(base))
			for (let n = 0; n < columns; n++) {
				const level = y(Math.max(base, Math.min(busy[n], limit)))
				g.lineTo(n * column, level)
				g.lineTo(n * column + column, level)
			}
			g.lineTo(width, y(base))
			g.fill()
		}
		area(v.provisioned || Infinity, 0, colours.busy)
		if (v.provisioned) area(Infinity, v.provisioned, colours.spill)
		g.fillStyle = colours.ink
		const lines = [v.provisioned, v.reserved <= top ? v.reserved : 0].map(n => n ? y(n) : 0)
		for (const l of lines) if (l) g.fillRect(0, l - 0.75, width, 1.5)
		// What did not fit stands above the line.
		g.fillStyle = colours.kill
		const bins = new Map()
		for (const m of refused) bins.set(Math.round(x(m.t) / 4), (bins.get(Math.round(x(m.t) / 4)) || 0) + m.n)
		for (const [b, n] of bins) {
			const tall = Math.min(14, 3 + 3 * Math.log2(1 + n))
			g.fillRect(b * 4 - 1.5, y(Math.min(v.reserved ?? top, top)) - 1.5 - tall, 3, tall)
		}
		g.fillStyle = colours.line
		g.fillRect(0, floor, width, 1)
		return lines
	}

	function throttles(g, refused, x, y) {
		g.strokeStyle = colours.kill
		g.lineWidth = 1.8
		let lastX = -99
		g.beginPath()
		for (const m of refused) {
			const at = x(m.t)
			if (at - lastX < 6) continue
			lastX = at
			g.moveTo(at - 4, y + 4)
			g.lineTo(at + 4, y + 12)
			g.moveTo(at + 4, y + 4)
			g.lineTo(at - 4, y + 12)
		}
		g.stroke()
	}

	// mark draws how an instance or invocation ended, each with a shape of its own.
	function mark(g, m, i, { x, y0, y1 }) {
		if (!i) return
		const cx = x(m.t)
		const cy = (i.provisioned ? y0 : y1) + i.slot * row + bar / 2
		g.lineWidth = 1.5
		g.strokeStyle = colours.panel
		g.fillStyle = m.k === 'healed' ? colours.ok : colours.kill
		g.beginPath()
		if (m.k === 'timeout') g.arc(cx, cy, 5.5, 0, 7)
		else if (m.k === 'healed') {
			g.moveTo(cx, cy - 7)
			g.lineTo(cx + 6, cy + 5)
			g.lineTo(cx - 6, cy + 5)
			g.closePath()
		} else if (m.k === 'crash') {
			g.moveTo(cx, cy - 7)
			g.lineTo(cx + 7, cy)
			g.lineTo(cx, cy + 7)
			g.lineTo(cx - 7, cy)
			g.closePath()
		} else g.rect(cx - 5, cy - 5, 10, 10)
		g.fill()
		g.stroke()
	}

	function axis(g, from, at, width, height) {
		const step = [1, 2, 5, 10, 30, 60].find(s => seconds / s <= 10) * 1000
		g.font = '11px ui-monospace,monospace'
		g.fillStyle = colours.dim
		for (let t = Math.ceil(from / step) * step; t < at - step / 3; t += step) {
			const xt = (t - from) / (seconds * 1000) * width
			if (xt > 24 && xt < width - (frozenAt ? 90 : 60)) g.fillText(clockTime(t), xt - 24, height - 5)
		}
		g.fillText(frozenAt ? clockTime(at) : 'now', width - (frozenAt ? 56 : 26), height - 5)
	}

	function label(labels, l) {
		if (!labels.firstChild) labels.append(...Array.from({ length: 5 }, () => h('div')))
		const put = (n, top, text, sub, cls = '') => {
			const d = labels.children[n]
			const key = text && [top, text, sub, cls].join()
			d.hidden = !text
			if (!text || d.dataset.key === key) return
			d.dataset.key = key
			d.className = cls
			d.style.top = top + 'px'
			d.replaceChildren(text, h('small', sub))
		}
		put(0, l.lines[1] - 8, l.lines[1] ? 'reserved ' + l.v.reserved : '', '', 'line')
		put(1, l.lines[0] - 8, l.lines[0] ? 'provisioned ' + l.v.provisioned : '', '', 'line')
		put(2, l.y0 - 2, l.provisioned ? 'provisioned' : '', 'kept warm')
		put(3, l.y1 - 2, l.demand ? 'on demand' : '', l.v.reserved === 0 ? 'stopped' : l.v.reserved == null ? '' : `room for ${l.room}`)
		const n = l.refused.reduce((a, m) => a + m.n, 0)
		put(4, l.y2 + 1, 'throttled ' + count(n), '', n ? 'bad' : '')
	}

	async function toggle(name) {
		const v = store.functions.find(f => f.name === name)
		if (v.reserved === 0) return act('It takes invocations again', `functions/${encodeURIComponent(name)}/reserved`, { json: { reserved: null, reset: true } })
		if (await confirm('Stop ' + short(name) + '?', 'Its reserved concurrency becomes 0: every invocation is throttled until you start it again.', 'Stop')) {
			act('Every invocation is throttled now', `functions/${encodeURIComponent(name)}/reserved`, { json: { reserved: 0 } })
		}
	}
	const observer = new ResizeObserver(() => { dirty = true })
	observer.observe(list)
	requestAnimationFrame(frame)
	return {
		close: () => { stopped = true; observer.disconnect(); waiting.close() },
		pause: on => { frozenAt = on ? now() - 150 : 0; dirty = true },
		theme: () => { colours = theme(); dirty = true },
		tick: () => { waiting.tick(); if (!frozenAt) dirty = true },
		side: (side, [kind, id]) => kind === 'instance' ? instanceSide(side, ctx, Number(id)) : null,
		key: k => {
			const at = windows.indexOf(seconds)
			if (k === '+' && at > 0) setWindow(windows[at - 1])
			else if (k === '-' && at < windows.length - 1) setWindow(windows[at + 1])
			else if (frozenAt && k === 'ArrowLeft') frozenAt -= seconds * 100
			else if (frozenAt && k === 'ArrowRight') frozenAt = Math.min(now() - 150, frozenAt + seconds * 100)
			else return false
			dirty = true
			return true
		},
	}
}

// firstVisible is the place of the first bar that ends after a time. Bars are in the
// order in which they ended.
function firstVisible(bars, from) {
	let lo = 0
	let hi = bars.length
	while (lo < hi) {
		const mid = (lo + hi) >> 1
		if (bars[mid].e < from) lo = mid + 1
		else hi = mid
	}
	return lo
}

function theme() {
	const c = {}
	for (const n of ['panel', 'ink', 'dim', 'line', 'busy', 'spill', 'init', 'frozen', 'kill', 'prov', 'odem', 'ok']) c[n] = colour(n)
	c.failed = c.kill
	return c
}

const legend = () => h('div.legend', [['init', 'init'], ['busy', 'busy'], ['spill', 'spilled over'], ['fail', 'failed'], ['frozen', 'idle, warm'], ['free', 'free']].map(([c, text]) => h('span', h('em', { className: c }), text)),
	[['✕', 'throttled'], ['●', 'timed out'], ['◆', 'crashed'], ['■', 'killed']].map(([c, text]) => h('span', h('b', c), text)), h('span', h('b.ok', '▲'), 'healed'))

async function kill(i) {
	if (await confirm(`Kill instance ${i.id}?`, 'Its process ends at once. An invocation that it handles fails.', 'Kill')) act('Killed', `instances/${i.id}/kill`)
}

// instanceSide is what is known of one instance, with what can be done to it.
function instanceSide(side, ctx, id) {
	const title = h('h2', 'Instance ' + id)
	const about = h('div.dim.num')
	const say = h('p')
	const acts = h('div', { className: 'acts' },
		h('button', { id: 'freeze', onclick: () => act('Frozen until its next event', `instances/${id}/freeze`) }, 'Freeze'),
		h('button', { id: 'thaw', onclick: () => act('Thawed', `instances/${id}/thaw`) }, 'Thaw'),
		h('button', { id: 'recycle', onclick: () => act('It is replaced when it is not busy', `instances/${id}/recycle`) }, 'Recycle'),
		h('button', { id: 'kill', className: 'danger', onclick: () => kill({ id }) }, 'Kill'))
	const list = h('tbody')
	side.append(title, about, acts, say, h('h3', 'Its last invocations'), h('table', list))
	let asked = 0
	const update = async () => {
		const i = store.instances.get(id)
		if (!i) return say.replaceChildren('It ended a while ago.')
		about.textContent = `${short(i.function)} · ${i.provisioned ? 'provisioned' : 'on demand'} · ${i.state} · process ${i.pid || '–'} · ${i.invocations} invocations`
		say.textContent = i.ended ? `Ended at ${clockTime(i.ended, true)}: ${i.why}` : `Started at ${clockTime(i.born, true)}, init ${i.ready ? span(i.ready - i.born) : '…'}`
		acts.hidden = !!i.ended
		if (Date.now() - asked < 1000) return
		asked = Date.now()
		const { invocations } = await api(`invocations?instance=${id}&limit=12`)
		list.replaceChildren(...invocations.map(v => h('tr', h('td.num', clockTime(v.time, true)), h('td', h('a', { href: ctx.link('instances', ['invocation', v.id]) }, labelOf(v))), h('td.num.r', span(v.handlerMs)))))
	}
	update()
	return { tick: update }
}

