// Small things that all panels use: elements, requests, times, JSON as text, dialogs.

export const token = document.querySelector('meta[name=token]').content

// h makes an element from a tag with classes, such as 'div.dim.num'. Props that are
// functions are listeners. Children that are null or false are left out.
export function h(tag, ...children) {
	const [name, ...classes] = tag.split('.')
	const e = document.createElement(name)
	if (classes.length) e.className = classes.join(' ')
	if (Object.getPrototypeOf(children[0] ?? '') === Object.prototype) {
		for (const [k, v] of Object.entries(children.shift())) {
			if (v == null || v === false) continue
			if (typeof v === 'function') e.addEventListener(k.slice(2), v)
			else if (k in e && k !== 'list' && k !== 'form') e[k] = v
			else e.setAttribute(k, v === true ? '' : v)
		}
	}
	e.append(...children.flat(3).filter(c => c != null && c !== false))
	return e
}

export function svg(tag, attrs, ...children) {
	const e = document.createElementNS('http://www.w3.org/2000/svg', tag)
	for (const [k, v] of Object.entries(attrs || {})) {
		if (typeof v === 'function') e.addEventListener(k.slice(2), v)
		else if (v != null) e.setAttribute(k, v)
	}
	e.append(...children.flat(2).filter(c => c != null && c !== false))
	return e
}

// api asks the control API. It throws an error with the engine's sentence.
export async function api(path, { method = 'GET', json, text, secrets } = {}) {
	const headers = {}
	if (method !== 'GET' || secrets) headers['X-Hearth'] = token
	const body = json !== undefined ? JSON.stringify(json) : text
	const resp = await fetch('/_hearth/' + path, { method, headers, body })
	const answer = await resp.text()
	let value = answer
	try { value = JSON.parse(answer) } catch { /* it is text */ }
	if (!resp.ok) throw new Error(value.message || answer || resp.statusText)
	return value
}

// act does something by way of the API, and says so.
export async function act(what, path, options = {}) {
	try {
		const answer = await api(path, { method: 'POST', ...options })
		toast(what)
		return answer
	} catch (e) {
		toast(e.message, true)
	}
}

export function toast(text, bad) {
	const box = document.getElementById('toasts')
	const t = h('div', { className: bad ? 'bad' : '' }, text)
	box.append(t)
	while (box.children.length > 4) box.firstChild.remove()
	setTimeout(() => t.remove(), bad ? 8000 : 3000)
}

const dialog = document.getElementById('dialog')

// confirm asks before something that cannot be undone.
export function confirm(title, text, verb) {
	return new Promise(resolve => {
		const answer = yes => () => { dialog.close(); resolve(yes) }
		dialog.replaceChildren(h('h2', title), h('p.dim', text),
			h('div.acts', h('button.danger', { id: 'yes', onclick: answer(true) }, verb), h('button', { onclick: answer(false), autofocus: true }, 'Cancel')))
		dialog.oncancel = answer(false)
		dialog.showModal()
	})
}

// form asks for values: fields are elements with a name, by their labels.
export function form(title, fields, verb) {
	return new Promise(resolve => {
		const done = value => { dialog.close(); resolve(value) }
		const f = h('form', { method: 'dialog', onsubmit: e => { e.preventDefault(); done(Object.fromEntries(new FormData(f))) } },
			h('h2', title), Object.entries(fields).map(([name, e]) => name ? h('label', name, e) : e),
			h('div.acts', h('button.primary', { id: 'yes' }, verb), h('button', { type: 'button', onclick: () => done(null) }, 'Cancel')))
		dialog.replaceChildren(f)
		dialog.oncancel = () => resolve(null)
		dialog.showModal()
	})
}

export function show(title, ...content) {
	dialog.replaceChildren(h('h2', title), ...content, h('div.acts', h('button', { onclick: () => dialog.close() }, 'Close')))
	dialog.oncancel = null
	dialog.showModal()
}

export async function copy(text, what) {
	try {
		await navigator.clipboard.writeText(text)
		toast(what + ' copied')
	} catch {
		show(what, h('pre', text))
	}
}

export function download(name, text) {
	const url = URL.createObjectURL(new Blob([text], { type: 'application/json' }))
	h('a', { href: url, download: name }).click()
	setTimeout(() => URL.revokeObjectURL(url), 1000)
}

const pad = (n, w = 2) => String(n).padStart(w, '0')
export const clockTime = (ms, millis) => {
	const d = new Date(ms)
	return `${pad(d.getHours())}:${pad(d.getMinutes())}:${pad(d.getSeconds())}${millis ? '.' + pad(d.getMilliseconds(), 3) : ''}`
}
export function span(ms) {
	if (ms == null || isNaN(ms)) return '–'
	if (ms < 0.05) return '0'
	if (ms < 10) return ms.toFixed(1) + ' ms'
	if (ms < 1000) return Math.round(ms) + ' ms'
	if (ms < 60000) return (ms / 1000).toFixed(ms < 10000 ? 2 : 1) + ' s'
	return `${Math.floor(ms / 60000)}:${pad(Math.floor(ms / 1000) % 60)} min`
}
export function countdown(ms) {
	const s = Math.max(0, Math.ceil(ms / 1000))
	return s < 3600 ? `${Math.floor(s / 60)}:${pad(s % 60)}` : `${Math.floor(s / 3600)}:${pad(Math.floor(s / 60) % 60)}:${pad(s % 60)}`
}
export const count = n => n < 10000 ? String(n) : n < 1e6 ? (n / 1000).toFixed(1) + ' k' : (n / 1e6).toFixed(1) + ' M'
export const bytes = n => n < 1024 ? n + ' B' : n < 1048576 ? (n / 1024).toFixed(1) + ' KB' : (n / 1048576).toFixed(1) + ' MB'

// short is a function's name without what all names of the app begin with.
let prefix = ''
// What all names begin with is left out, and so is the hash that the CDK adds.
export function setNames(names) {
	prefix = names.length > 1 ? names.reduce((a, b) => { let i = 0; while (i < a.length && a[i] === b[i]) i++; return a.slice(0, i) }).replace(/[^-]*$/, '') : (names[0] || '').replace(/[^-]*$/, '')
}
export function short(name) {
	const rest = name.startsWith(prefix) ? name.slice(prefix.length) : name
	return rest.replace(/^(?:Backend)?(\w+?)(?:Function)?[0-9A-F]{8}$/, '$1') || name
}

// tokens splits JSON into strings, other scalars and punctuation. Numbers stay as they
// are written: JSON.parse would round large ones.
const tokens = text => text.match(/"(?:[^"\\]|\\.)*"|[{}[\],:]|[^\s{}[\],:"]+/g) || []

// pretty indents JSON, with marks for keys, strings and masked secrets.
export function pretty(text) {
	const first = (text || '').trimStart()[0]
	if (first !== '{' && first !== '[') return [text || '']
	try { JSON.parse(text) } catch { return [text] }
	const out = []
	let depth = 0
	let line = ''
	const put = (s, c) => { if (c) { out.push(line, h('span', { className: c }, s)); line = '' } else line += s }
	const list = tokens(text)
	list.forEach((t, i) => {
		const next = list[i + 1]
		if (t === '{' || t === '[') {
			put(t)
			if (next !== '}' && next !== ']') put('\n' + '  '.repeat(++depth))
		} else if (t === '}' || t === ']') {
			if (list[i - 1] !== '{' && list[i - 1] !== '[') put('\n' + '  '.repeat(--depth))
			put(t)
		} else if (t === ',') put(',\n' + '  '.repeat(depth))
		else if (t === ':') put(': ')
		else put(t, next === ':' ? 'k' : t.includes('••••••') ? 'm' : t[0] === '"' ? 's' : '')
	})
	out.push(line)
	return out
}
// fields are the names and values of a JSON object as they are written; null for other
// text.
export function fields(text) {
	if (text[0] !== '{') return null
	try { JSON.parse(text) } catch { return null }
	const list = tokens(text)
	const out = []
	let depth = 0
	let name = ''
	let value = ''
	for (const t of list.slice(1, -1)) {
		if (depth === 0 && t === ',') { out.push([name, value]); name = value = '' } else if (depth === 0 && t === ':' && !value) continue
		else if (depth === 0 && !name) name = JSON.parse(t)
		else {
			if (t === '{' || t === '[') depth++
			if (t === '}' || t === ']') depth--
			value += t
		}
	}
	if (name) out.push([name, value])
	return out
}

// colour reads a colour of the theme.
export const colour = name => getComputedStyle(document.documentElement).getPropertyValue('--' + name).trim()

export const select = (name, value, options, onchange) => h('select', { name, onchange: onchange && (e => onchange(e.target.value)), 'aria-label': name },
	options.map(o => { const [v, text] = Array.isArray(o) ? o : [o, o]; return h('option', { value: v, selected: v === value }, text) }))
