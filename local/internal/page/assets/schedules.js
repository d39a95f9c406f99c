// Schedules with their next runs in their own time zone.
import { act, api, h } from './lib.js'

export function open(panel) {
	const list = h('div')
	panel.append(list)
	const at = text => { const m = text.match(/^(.{10})T(.{8})(?:\.\d+)?(.*)$/); return `${m[1]} ${m[2]} ${m[3] === 'Z' ? 'UTC' : m[3]}` }
	let key = ''
	async function load() {
		const { schedules } = await api('schedules?runs=5')
		const fresh = JSON.stringify(schedules)
		if (fresh === key) return
		key = fresh
		list.replaceChildren(...schedules.map(s => h('section.card', { 'aria-label': s.name },
			h('div.head', h('h2', s.name), h('code', s.expression), h('small.dim', s.timeZone || 'UTC', s.disabled ? ' · disabled' : ''), h('span.grow'),
				h('button', { 'data-act': 'run', onclick: () => act('It runs', 'trigger?name=' + encodeURIComponent(s.name)).then(load) }, 'Run now')),
			h('div.body', h('span.stat', h('b', { 'data-runs': s.runs }, s.runs), h('small', 'runs')), h('span.stat', h('b', { className: s.failures ? 'bad' : '' }, s.failures), h('small', 'given up')),
				h('h3', 'Next runs'), h('ol.num', s.nextRuns.map(r => h('li', at(r))))))))
		if (!schedules.length) list.replaceChildren(h('p.empty', 'The app has no schedule.'))
	}
	load()
	const timer = setInterval(load, 1000)
	return { close: () => clearInterval(timer) }
}
