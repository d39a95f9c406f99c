// One invocation: what can be done with it, its trace, event, response and log lines.
import { act, api, bytes, clockTime, copy, form, h, pretty, short, span, svg } from './lib.js'
import { isBad, labelOf, queueName } from './store.js'
import { lineOf } from './logs.js'

const going = ['waiting', 'init', 'running']

export function status(i) {
	const text = i.status === 'ok' ? i.code ? String(i.code) : i.failed ? `${i.failed} failed` : 'ok' : i.status
	return h('span', { className: 'pill ' + (isBad(i) ? 'bad' : going.includes(i.status) ? '' : 'ok') }, text)
}

export function detail(side, ctx, id) {
	const title = h('h2', '…')
	const about = h('div.dim.num')
	const acts = h('div.acts')
	const trace = h('div')
	const rest = h('div')
	side.append(title, about, acts, trace, rest)
	let secrets = false
	let settled = false
	let asked = 0
	let d = null

	async function load() {
		asked = Date.now()
		try {
			d = await api(`invocations/${encodeURIComponent(id)}${secrets ? '?secrets=1' : ''}`, { secrets })
		} catch (e) {
			settled = true
			title.textContent = 'Not kept any more'
			about.textContent = e.message
			return
		}
		settled = !going.includes(d.status) && Date.now() - d.time > 5000
		title.textContent = labelOf(d)
		about.replaceChildren(status(d), ` ${clockTime(d.time, true)} · ${short(d.function)} · ${d.source} · `,
			d.instance ? h('a', { href: ctx.link('instances', ['instance', d.instance]) }, `instance ${d.instance}`) : 'no instance',
			d.provisioned ? ', provisioned' : d.instance ? ', on demand' : '', d.spill ? h('span', ' ', h('span.pill.spill', 'spilled over')) : '', d.cold ? h('span', ' ', h('span.pill.cold', 'cold')) : '')
		acts.replaceChildren(
			h('button.primary', { id: 'again', disabled: !d.event, onclick: () => replay('') }, 'Send again'),
			h('button', { id: 'edit', disabled: !d.event, onclick: edit }, 'Edit and send'),
			h('button', { id: 'curl', disabled: !d.curl, onclick: () => copy(d.curl, 'curl') }, 'Copy as curl'),
			h('button', { id: 'gotest', disabled: !d.goTest, onclick: () => copy(d.goTest, 'Go test') }, 'Copy as Go test'),
			h('button', { id: 'secrets', 'aria-pressed': String(secrets), onclick: () => { secrets = !secrets; load() } }, secrets ? 'Hide secrets' : 'Show secrets'))
		const text = (name, value, size) => [h('h3', name, size ? ` · ${bytes(size)}` : ''), h('pre', { tabIndex: 0, 'aria-label': name }, value == null ? size ? 'not kept: it is too large or too old' : 'none yet' : pretty(value))]
		rest.replaceChildren(d.error ? h('p.bad', d.error) : '', ...text('Event', d.event, d.eventBytes), ...text('Response', d.response, d.responseBytes), ...bodyOf(d.response),
			h('h3', 'Log of this invocation'), h('div.log', d.lines.length ? d.lines.map(l => lineOf(l, ctx, true)) : h('div.dim', 'no lines')))
		const { steps } = await api(`invocations/${encodeURIComponent(id)}/trace`).catch(() => ({ steps: [] }))
		trace.replaceChildren(waterfall(steps, id, ctx))
	}

	async function replay(event) {
		const answer = await act('Sent again', `invocations/${encodeURIComponent(id)}/replay`, { json: { event } })
		if (answer) ctx.go(ctx.route().name, ['invocation', answer.id], ctx.route().query)
	}
	async function edit() {
		const value = await form('Edit and send', { '': h('textarea', { name: 'event', rows: 18, value: d.event, 'aria-label': 'Event', spellcheck: false }), ' ': h('small.dim', 'Masked values get their secrets back.') }, 'Send')
		if (value) replay(value.event)
	}
	load()
	return { tick: () => { if (!settled && Date.now() - asked > 700) load() }, close() {} }
}

// bodyOf shows the body of a gateway's response by itself.
function bodyOf(response) {
	try {
		const { body, isBase64Encoded } = JSON.parse(response)
		if (!body || isBase64Encoded) return []
		return [h('h3', 'Response body'), h('pre', { tabIndex: 0, 'aria-label': 'Response body' }, pretty(body))]
	} catch {
		return []
	}
}

// waterfall draws a trace: what waited, what started, what ran, message by message.
function waterfall(steps, id, ctx) {
	const rows = []
	for (const s of steps) {
		const i = s.invocation
		const pad = '\u2003'.repeat(Math.max(0, s.depth - 1)) + (s.depth ? '↳ ' : '')
		if (s.kind === 'message') {
			rows.push({ name: `${pad}${queueName(s.queue)}${s.group ? ' · ' + s.group : ''}`, from: s.start, to: s.end || Date.now(), kind: s.dead ? 'bad' : 'wait', title: s.dead ? `went to ${s.dead}` : `message ${s.message} waited` })
			continue
		}
		const acquired = s.start + Math.min(i.waitedMs, Math.max(0, (s.end || Date.now()) - s.start - i.initMs - i.handlerMs))
		const one = i.id === id
		if (i.initMs > 0 || acquired - s.start > 1) {
			if (acquired - s.start > 0.5) rows.push({ name: pad + 'waited', from: s.start, to: acquired, kind: 'wait', id: i.id, one })
			if (i.initMs > 0) rows.push({ name: pad + 'init', from: acquired, to: acquired + i.initMs, kind: 'init', id: i.id, one })
		}
		rows.push({ name: pad + (s.depth ? 'job · ' : '') + labelOf(i), from: acquired + i.initMs, to: acquired + i.initMs + i.handlerMs, kind: isBad(i) ? 'bad' : i.spill ? 'spill' : 'busy', id: i.id, one })
	}
	if (!rows.length) return ''
	const from = Math.min(...rows.map(r => r.from))
	const total = Math.max(...rows.map(r => r.to)) - from || 1
	return h('div', h('h3', `Trace · ${span(total)}`), h('div.wf', rows.slice(0, 60).map(r => {
		const inner = [h('span', { title: r.title || r.name }, r.name), svg('svg', { viewBox: '0 0 1000 10', preserveAspectRatio: 'none', 'aria-hidden': 'true' }, svg('rect', { class: 'b-' + r.kind, x: (r.from - from) / total * 1000, width: Math.max((r.to - r.from) / total * 1000, 4), y: 1, height: 8, rx: 2 })), h('span.num', span(r.to - r.from))]
		return r.id ? h('a', { href: ctx.link(ctx.route().name, ['invocation', r.id], ctx.route().query), className: r.one ? 'now' : '' }, inner) : h('div', inner)
	})))
}

