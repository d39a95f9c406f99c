// The frame: panels, the address bar, keys, the clock.
import { act, api, clockTime, count, countdown, h, show } from './lib.js'
import { engineNow, follow, store } from './store.js'
import * as instances from './instances.js'
import * as invocations from './invocations.js'
import * as queues from './queues.js'
import * as connections from './connections.js'
import * as schedules from './schedules.js'
import * as map from './map.js'
import * as plots from './plots.js'
import * as logs from './logs.js'
import * as faults from './faults.js'
import { detail } from './detail.js'

const panels = [
	['instances', 'Instances', instances],
	['invocations', 'Invocations', invocations, () => [count(store.total)]],
	['queues', 'Queues', queues, () => [count(store.queues.reduce((n, q) => n + q.counters.visible + q.counters.inFlight + q.counters.delayed, 0))]],
	['connections', 'WebSockets', connections, () => [store.connections]],
	['schedules', 'Schedules', schedules],
	['map', 'Map', map],
	['plots', 'Plots', plots],
	['logs', 'Logs', logs, () => [store.failed ? count(store.failed) : '', 'bad']],
	['faults', 'Faults', faults, () => [store.faults || '', 'bad']],
]
const panel = document.getElementById('panel')
const side = document.getElementById('side')
let current = null // {name, module, view}
let paused = false

// The address is #/panel/selection?filters, so that every selection is a link.
export function route() {
	const [path, query] = location.hash.replace(/^#\/?/, '').split('?')
	const [name, ...rest] = path.split('/').map(decodeURIComponent)
	return { name: name || 'instances', selection: rest, query: Object.fromEntries(new URLSearchParams(query)) }
}
export function link(name, selection = [], query = {}) {
	const q = new URLSearchParams(Object.entries(query).filter(([, v]) => v !== '' && v != null)).toString()
	return '#/' + [name, ...[].concat(selection)].map(encodeURIComponent).join('/') + (q ? '?' + q : '')
}
const ctx = {
	route, link, side,
	go: (...args) => { location.hash = link(...args) },
	replace: (...args) => { history.replaceState(null, '', link(...args)); current.view.route?.(route()) },
	isPaused: () => paused,
	get still() { return movable && !next.runs },
}

function open() {
	const r = route()
	const found = panels.find(p => p[0] === r.name) || panels[0]
	if (current?.name !== found[0]) {
		current?.view.close?.()
		panel.replaceChildren()
		current = { name: found[0], view: found[2].open(panel, ctx) || {} }
		document.title = found[1] + ' · Hearth'
		panel.scrollTop = 0
	}
	showSide(r)
	current.view.route?.(r)
	tabs()
}

// showSide shows what is selected: an invocation anywhere, or what the panel has.
let shown = ''
function showSide(r) {
	const key = r.name + '/' + r.selection.join('/')
	if (key === shown) return
	shown = key
	side.view?.close?.()
	side.view = null
	side.replaceChildren()
	side.hidden = !r.selection.length
	if (side.hidden) return
	side.view = r.selection[0] === 'invocation' ? detail(side, ctx, r.selection[1]) : current.view.side?.(side, r.selection)
	side.prepend(h('button', { title: 'Close (Esc)', 'aria-label': 'Close', className: 'close', onclick: close }, '✕'))
}
function close() {
	const r = route()
	ctx.go(r.name, [], r.query)
}

const nav = document.getElementById('nav')
const links = panels.map(([name, title], i) => {
	const badge = h('i')
	const a = h('a', { href: '#/' + name, title: `${title} (${i + 1})` }, title, badge)
	nav.append(a)
	return { a, badge }
})
function tabs() {
	panels.forEach(([name, , , badge], i) => {
		const { a, badge: b } = links[i]
		if (name === current?.name) a.setAttribute('aria-current', 'page')
		else a.removeAttribute('aria-current')
		const [text, kind] = badge?.() || ['']
		if (b.textContent !== String(text)) b.textContent = text
		b.className = kind || ''
	})
}

// The clock: buttons where it can be moved.
const clock = document.getElementById('clock')
const time = h('span.num', { title: "The engine's clock" })
let movable = false
let next = {}
async function readClock() {
	next = await api('clock').catch(() => ({}))
	if (next.movable && !movable) {
		movable = true
		const step = (id, text, json, title) => h('button', { id, title, onclick: async () => { await act('The clock moved', 'clock', { json }); readClock() } }, text)
		clock.append(step('by1s', '+1 s', { by: '1s' }, 'Move the clock by a second'), step('by1m', '+1 min', { by: '1m' }, 'Move the clock by a minute'), step('by1h', '+1 h', { by: '1h' }, 'Move the clock by an hour'),
			step('tovisible', 'message', { to: 'visible' }, 'Move to when the next hidden message becomes visible'), step('toschedule', 'schedule', { to: 'schedule' }, 'Move to the next run of a schedule'))
	}
	if (!movable) return
	const label = (id, name, at) => {
		const b = document.getElementById(id)
		b.disabled = !at
		b.textContent = at ? `▸ ${name} ${countdown(Date.parse(at) - Date.parse(next.time))}` : `▸ ${name}`
	}
	label('tovisible', 'message', next.nextVisible)
	label('toschedule', 'schedule', next.nextSchedule)
}
clock.append(time)
setInterval(() => { time.textContent = clockTime(engineNow(ctx.still)) }, 200)
setInterval(readClock, 2000)

// Pause stops what the page shows, not the engine.
const pause = document.getElementById('pause')
function setPaused(on) {
	paused = on
	pause.setAttribute('aria-pressed', on)
	current?.view.pause?.(on)
}
pause.onclick = () => setPaused(!paused)

const theme = document.getElementById('theme')
const setTheme = dark => {
	document.documentElement.dataset.theme = dark ? 'dark' : 'light'
	current?.view.theme?.()
}
setTheme(localStorage.theme ? localStorage.theme === 'dark' : matchMedia('(prefers-color-scheme: dark)').matches)
theme.onclick = () => {
	localStorage.theme = document.documentElement.dataset.theme === 'dark' ? 'light' : 'dark'
	setTheme(localStorage.theme === 'dark')
}

const keys = [['1 – 9', 'panels'], ['/', 'filter'], ['j k', 'next and previous'], ['Space', 'pause the page'], ['← →', 'back and forth in paused lanes'], ['+ −', 'less and more time in lanes'], ['t', 'dark or light'], ['Esc', 'close what is selected']]
const help = () => show('Keys', h('table', keys.map(([k, what]) => h('tr', h('td', h('kbd', k)), h('td', what)))))
document.getElementById('help').onclick = help
document.addEventListener('keydown', e => {
	if (e.ctrlKey || e.metaKey || e.altKey || document.getElementById('dialog').open) return
	if (e.target.matches('input,textarea,select')) {
		if (e.key === 'Escape') e.target.blur()
		return
	}
	if (e.key === ' ' && e.target.matches('button,summary,a')) return
	const n = Number(e.key)
	if (n >= 1 && n <= panels.length) ctx.go(panels[n - 1][0])
	else if (e.key === '/') panel.querySelector('input[type=search]')?.focus()
	else if (e.key === ' ') setPaused(!paused)
	else if (e.key === 't') theme.click()
	else if (e.key === '?') help()
	else if (e.key === 'Escape') close()
	else if (!current?.view.key?.(e.key)) return
	e.preventDefault()
})

window.addEventListener('hashchange', open)
const lost = document.getElementById('link')
let lastTabs = 0
const state = await api('state')
document.getElementById('app').textContent = (state.functions[0]?.name || 'Hearth').replace(/-.*/, '')
const started = follow(t => {
	lost.hidden = store.connected
	if (!t) return
	if (performance.now() - lastTabs > 300) {
		lastTabs = performance.now()
		tabs()
	}
	if (!paused) current?.view.tick?.(t)
	side.view?.tick?.(t)
})
readClock()
await started
open()
document.body.dataset.ready = 'true'
