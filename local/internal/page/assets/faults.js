// Faults: what goes wrong on purpose, and the file that tests use.
import { api, confirm, download, form, h, select, short, toast } from './lib.js'
import { queueName, store } from './store.js'

const kinds = {
	kill: 'Kill instances at random', throttle: 'Throttle a share', delay: 'Delay invocations', slowInit: 'Slow init', duplicate: 'Deliver messages twice', database: 'Database gone',
}

export function open(panel) {
	const list = h('tbody')
	const note = h('p.dim', 'The file is what a test reads: ', h('code', 'local.Options{Faults: faults}'), ' with ', h('code', 'faults, err := local.ReadFaults("faults.json")'), '.')
	const file = h('input', { type: 'file', accept: '.json', hidden: true, 'aria-label': 'File of faults', onchange: async () => { const text = await file.files[0]?.text(); if (text) put(JSON.parse(text).faults) } })
	panel.append(h('div.bar', Object.entries(kinds).map(([k, text]) => h('button', { 'data-kind': k, onclick: () => add(k) }, '+ ' + text)), h('span.grow'),
		h('button', { id: 'save', onclick: () => download('faults.json', JSON.stringify({ faults: faults.map(bare) }, null, 2) + '\n') }, 'Save as a file'), h('button', { id: 'load', onclick: () => file.click() }, 'Load a file'), file,
		h('button', { id: 'none', className: 'danger', onclick: async () => { if (await confirm('Remove all faults?', 'The list becomes empty.', 'Remove')) put([]) } }, 'Remove all')),
		h('section.card', h('table', h('thead', h('tr', ['', 'What goes wrong', 'Where', 'How often', 'Delay', 'For', ''].map(t => h('th', t)))), list)), note)
	let faults = []
	const bare = ({ active, leftSeconds, ...f }) => f
	async function put(next) {
		try {
			show(await api('faults', { method: 'PUT', json: { faults: next.map(bare) } }))
		} catch (e) {
			toast(e.message, true)
		}
	}
	function show(answer) {
		faults = answer.faults
		panel.querySelector('[data-kind=database]').disabled = !answer.database
		list.replaceChildren(...faults.map((f, n) => h('tr', { 'data-fault': f.kind },
			h('td', h('button', { role: 'switch', 'aria-checked': String(f.active), 'aria-pressed': String(f.active), onclick: () => put(faults.map((g, m) => m === n ? { ...g, off: g.active ? true : undefined } : g)) }, f.active ? 'on' : 'off')),
			h('td', kinds[f.kind]), h('td', (f.queue && queueName(f.queue)) || short(f.function || '') || 'everywhere'), h('td.num', f.share ? Math.round(f.share * 100) + ' %' : 'always'), h('td.num', f.delay || ''),
			h('td.num', f.for ? `${f.for}${f.active && f.leftSeconds ? `, ${Math.ceil(f.leftSeconds)} s left` : ''}` : 'until it is off'), h('td', h('button', { onclick: () => put(faults.filter((g, m) => m !== n)) }, 'Remove')))))
		if (!faults.length) list.replaceChildren(h('tr', h('td', { colSpan: 7, className: 'empty' }, 'Nothing goes wrong on purpose.')))
	}
	async function add(kind) {
		const fields = {}
		if (kind === 'duplicate') fields.Queue = select('queue', '', [['', 'all standard queues'], ...store.queues.filter(q => !q.fifo).map(q => [q.name, queueName(q.name)])])
		else if (kind !== 'database') fields.Function = select('function', '', [['', 'all functions'], ...store.functions.map(f => [f.name, short(f.name)])])
		if (kind !== 'database') fields['Share, %'] = h('input', { name: 'share', type: 'number', min: 1, max: 100, value: kind === 'delay' || kind === 'slowInit' ? 100 : 20 })
		if (['delay', 'slowInit', 'kill'].includes(kind)) fields[kind === 'kill' ? 'After up to' : 'Delay'] = h('input', { name: 'delay', value: { delay: '500ms', slowInit: '2s', kill: '50ms' }[kind], pattern: '[0-9.]+(ms|s|m)' })
		fields['For (5s, 1m)'] = h('input', { name: 'for', placeholder: 'until it is off', pattern: '[0-9.]+(ms|s|m|h)' })
		const v = await form(kinds[kind], fields, 'Switch on')
		if (!v) return
		const f = { kind, function: v.function || undefined, queue: v.queue || undefined, delay: v.delay || undefined, for: v.for || undefined }
		if (v.share && v.share < 100) f.share = v.share / 100
		put([...faults, f])
	}
	const load = () => api('faults').then(show)
	load()
	const timer = setInterval(load, 1000)
	return { close: () => clearInterval(timer) }
}
