// What the page knows: read once, then kept up to date by the stream. Everything has a
// bound, so that a page that is open for days does not grow.
import { api, setNames, short } from './lib.js'

const maxBars = 6000 // of one instance
const maxMarks = 3000
const keep = { invocations: 400, lines: 1500, frames: 400 }

export const store = {
	instances: new Map(), // by id; each has bars and a slot, its place among those of its pool
	marks: [],
	invocations: [], // newest first
	lines: [], // newest first
	frames: [], // newest first
	functions: [], queues: [], eventSources: [], series: { functions: [], queues: [] },
	connections: 0, faults: 0, failed: 0, total: 0, clock: 0, clockAt: 0, connected: false, offset: 0,
}

// now is the engine's wall time in milliseconds.
export const now = () => Date.now() + store.offset

// engineNow is the time on the engine's own clock, which may stand still.
export const engineNow = still => still ? store.clock : store.clock + Date.now() - store.clockAt

// queueName is a queue's name for people: what the program calls it, or whose dead
// letters it holds.
export function queueName(name) {
	const q = store.queues.find(q => q.name === name)
	const source = store.queues.find(q => q.deadLetterQueue === name)
	return q?.alias || (source ? queueName(source.name) + ' · dead letters' : short(name).replace(/^Backend|(Queue)?[0-9A-F]{8}(?=\.fifo$|$)/g, ''))
}

function addInstance(i) {
	let known = store.instances.get(i.id)
	if (!known) {
		known = { bars: [], slot: 0 }
		const taken = new Set()
		for (const o of store.instances.values()) {
			if (o.function === i.function && o.provisioned === i.provisioned && (!o.ended || o.ended > i.born)) taken.add(o.slot)
		}
		while (taken.has(known.slot)) known.slot++
		store.instances.set(i.id, known)
	}
	Object.assign(known, i)
}

function addLanes(l) {
	for (const i of l.instances) addInstance(i)
	for (const b of l.bars) {
		const i = store.instances.get(b.i)
		if (i && i.bars.push(b) > maxBars) i.bars.splice(0, maxBars / 4)
	}
	store.marks.push(...l.marks)
	if (store.marks.length > maxMarks) store.marks.splice(0, store.marks.length - maxMarks)
	for (const [id, i] of store.instances) if (i.ended && i.ended < l.time - 6 * 60000) store.instances.delete(id)
}

function merge(list, fresh, max) {
	for (const f of fresh) {
		const at = list.findIndex(o => o.number === f.number)
		if (at >= 0) list[at] = f
		else list.unshift(f)
	}
	if (list.length > max) list.length = max
}

const isBad = i => !['ok', 'running', 'init', 'waiting'].includes(i.status) || i.code >= 500 || i.failed > 0
export { isBad }

// labelOf says what an invocation is about, with the queue's name for people.
export const labelOf = i => i.source === 'queue' ? i.label.replace(/^[^ ]+/, queueName) : i.label

// sorted puts each queue before its dead letters.
function sorted(queues) {
	const dead = new Set(queues.map(q => q.deadLetterQueue))
	return queues.filter(q => !dead.has(q.name)).flatMap(q => [q, ...queues.filter(d => d.name === q.deadLetterQueue)])
}

async function load() {
	const [lanes, list, logs, series] = await Promise.all([api('lanes?seconds=330&gapMs=20'), api('invocations?limit=300'), api('logs?limit=1000'), api('series')])
	store.instances.clear()
	store.marks = []
	store.offset = lanes.time - Date.now()
	lanes.instances.sort((a, b) => a.born - b.born)
	addLanes(lanes)
	store.invocations = list.invocations
	store.lines = logs.lines
	store.series = series
}

// follow keeps the store up to date. It loads all once the stream is open, so that nothing
// is missed in between.
export const follow = onTick => new Promise(ready => {
	const source = new EventSource('/_hearth/stream')
	let lost = true
	let before = Promise.resolve()
	source.onerror = () => {
		lost = true
		store.connected = false
		onTick(null)
	}
	const apply = async e => {
		if (lost) {
			lost = false
			await load().catch(() => { lost = true })
		}
		const t = JSON.parse(e.data)
		store.connected = true
		const offset = t.time - Date.now()
		store.offset = Math.abs(offset - store.offset) > 500 ? offset : store.offset * 0.98 + offset * 0.02
		store.clock = Date.parse(t.clock)
		store.clockAt = Date.now()
		addLanes(t)
		merge(store.invocations, t.invocations, keep.invocations)
		for (const k of ['lines', 'frames']) {
			store[k].unshift(...t[k].reverse())
			store[k].length = Math.min(store[k].length, keep[k])
		}
		const oldest = t.time / 1000 - 600
		for (const [k, list] of Object.entries(store.series)) {
			list.push(...t.series[k])
			if (list[0]?.time < oldest - 30) store.series[k] = list.filter(s => s.time >= oldest)
		}
		store.functions = t.functions
		store.queues = sorted(t.queues)
		store.eventSources = t.eventSources
		store.connections = t.connections
		store.faults = t.faults
		store.total = t.functions.reduce((n, f) => n + f.counters.invocations, 0)
		store.failed = t.functions.reduce((n, f) => n + f.counters.errors, 0)
		setNames(t.functions.map(f => f.name))
		onTick(t)
		ready()
	}
	source.addEventListener('tick', e => { before = before.then(() => apply(e)) })
})
