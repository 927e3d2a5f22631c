// Values as Node writes them in a log.
'use strict';

const quote = (text) => {
  const mark = !text.includes("'") ? "'" : !text.includes('"') ? '"' : !text.includes('`') ? '`' : "'";
  const escaped = text.replace(/[\\\x00-\x1f\x7f]/g, (c) => ({ '\n': '\\n', '\t': '\\t', '\r': '\\r', '\b': '\\b', '\f': '\\f', '\v': '\\v', '\\': '\\\\' })[c]
    ?? `\\x${c.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`);
  return mark + (mark === "'" ? escaped.replaceAll("'", "\\'") : escaped) + mark;
};

function primitive(value) {
  if (typeof value === 'string') return quote(value);
  if (typeof value === 'bigint') return `${value}n`;
  if (Object.is(value, -0)) return '-0';
  return String(value);
}

const keyOf = (key) => {
  if (typeof key === 'symbol') return `[${String(key)}]`;
  return /^[A-Za-z_$][\w$]*$/.test(key) ? key : quote(key);
};

function className(value) {
  const prototype = Object.getPrototypeOf(value);
  if (prototype === null) return null;
  const make = Object.hasOwn(prototype, 'constructor') ? prototype.constructor : prototype.constructor;
  return typeof make === 'function' ? make.name : 'Object';
}

class Writer {
  constructor(options) {
    this.most = options.depth === null ? Infinity : options.depth ?? 2;
    this.showHidden = Boolean(options.showHidden);
    this.breakLength = options.breakLength ?? 80;
    this.deepest = 0; // the depth of the object that was written last
    this.mostItems = options.maxArrayLength === null ? Infinity : options.maxArrayLength ?? 100;
    this.options = options;
    this.above = [];
    this.circular = new Set();
  }

  write(value, depth) {
    if (value === null || (typeof value !== 'object' && typeof value !== 'function')) return primitive(value);
    const custom = value[inspect.custom];
    if (typeof custom === 'function' && custom !== inspect) {
      const made = custom.call(value, this.most - depth, { ...this.options, stylize: (text) => text }, inspect);
      return typeof made === 'string' ? made : this.write(made, depth);
    }
    if (this.above.includes(value)) {
      this.circular.add(value);
      return '[Circular *1]';
    }
    this.above.push(value);
    const written = this.object(value, depth);
    this.above.pop();
    return this.circular.delete(value) ? `<ref *1> ${written}` : written;
  }

  object(value, depth) {
    this.deepest = depth;
    const name = className(value);
    const label = name === null ? '[Object: null prototype] ' : name === 'Object' || name === 'Array' ? '' : `${name} `;
    const keys = this.keys(value);
    const simple = this.simple(value, name);
    if (simple !== undefined && keys.length === 0) return simple;
    if (depth > this.most) return Array.isArray(value) ? '[Array]' : `[${name ?? 'Object: null prototype'}]`;
    const { open, close, items, prefix } = this.shape(value, name, label, depth);
    const tag = value[Symbol.toStringTag];
    const extra = typeof tag === 'string' && tag && tag !== name ? `[${tag}] ` : '';
    for (const key of keys) items.push(this.property(value, key, depth));
    return this.layout(simple === undefined ? prefix + extra : `${simple} `, open, items, close, depth,
      simple !== undefined);
  }

  keys(value) {
    const names = this.showHidden ? Object.getOwnPropertyNames(value) : Object.keys(value);
    const symbols = Object.getOwnPropertySymbols(value).filter((one) => Object.prototype.propertyIsEnumerable.call(value, one));
    const plain = Array.isArray(value) || ArrayBuffer.isView(value)
      ? names.filter((key) => !/^\d+$/.test(key) && key !== 'length') : names;
    return [...plain.filter((key) => !(value instanceof Error && ['stack', 'message'].includes(key))), ...symbols];
  }

  // What is one word unless it has properties.
  simple(value, name) {
    if (typeof value === 'function') {
      const ofClass = Object.getOwnPropertyDescriptor(value, 'prototype')?.writable === false && globalThis[value.name] !== value;
      const kind = ofClass ? 'class' : name ?? 'Function';
      return value.name ? `[${kind}${kind === 'class' ? ' ' : ': '}${value.name}]` : `[${kind} (anonymous)]`;
    }
    if (value instanceof Error) return this.error(value);
    if (value instanceof Date) return Number.isNaN(value.getTime()) ? 'Invalid Date' : value.toISOString();
    if (value instanceof RegExp) return String(value);
    if (value instanceof Promise) return 'Promise {}';
    if (value instanceof WeakMap || value instanceof WeakSet) return `${name} { <items unknown> }`;
    if (value instanceof String || value instanceof Number || value instanceof Boolean) {
      return `[${name}: ${primitive(value.valueOf())}]`;
    }
    return undefined;
  }

  error(value) {
    const head = String(value.message) === '' ? String(value.name) : `${value.name}: ${value.message}`;
    const stack = String(value.stack ?? '').trimEnd();
    const cause = value.cause === undefined ? '' : `\n  [cause]: ${this.write(value.cause, 0)}`;
    const trace = stack.startsWith(head) || !stack ? stack || `[${head}]` : `${head}\n${stack}`;
    return trace + cause;
  }

  shape(value, name, label, depth) {
    const list = (items, length) => {
      const written = items.slice(0, this.mostItems).map((one) => this.write(one, depth + 1));
      const left = length - this.mostItems;
      if (left > 0) written.push(`... ${left} more item${left > 1 ? 's' : ''}`);
      return written;
    };
    if (globalThis.Buffer?.isBuffer(value)) {
      const bytes = Array.from(value.subarray(0, 50), (byte) => byte.toString(16).padStart(2, '0'));
      if (value.length > 50) bytes.push(`... ${value.length - 50} more bytes`);
      return { open: '<', close: '>', prefix: '', items: ['Buffer', bytes.join(' ')] };
    }
    if (Array.isArray(value)) {
      const items = value.length === Object.keys(value).length ? list(value, value.length) : this.sparse(value, depth);
      return { open: '[', close: ']', prefix: label ? `${name}(${value.length}) ` : '', items };
    }
    if (ArrayBuffer.isView(value) && !(value instanceof DataView)) {
      return { open: '[', close: ']', prefix: `${name}(${value.length}) `, items: list(Array.from(value), value.length) };
    }
    if (value instanceof Map) {
      const items = [...value].map(([key, one]) => `${this.write(key, depth + 1)} => ${this.write(one, depth + 1)}`);
      return { open: '{', close: '}', prefix: `${name}(${value.size}) `, items };
    }
    if (value instanceof Set) {
      return { open: '{', close: '}', prefix: `${name}(${value.size}) `, items: list([...value], value.size) };
    }
    return { open: '{', close: '}', prefix: label, items: [] };
  }

  sparse(value, depth) {
    const items = [];
    let holes = 0;
    const tell = () => {
      if (holes) items.push(`<${holes} empty item${holes > 1 ? 's' : ''}>`);
      holes = 0;
    };
    for (let i = 0; i < value.length && items.length < this.mostItems; i++) {
      if (!(i in value)) {
        holes++;
        continue;
      }
      tell();
      items.push(this.write(value[i], depth + 1));
    }
    tell();
    return items;
  }

  property(value, key, depth) {
    const { get, set, value: plain } = Object.getOwnPropertyDescriptor(value, key);
    const written = get ? (set ? '[Getter/Setter]' : '[Getter]') : set ? '[Setter]' : this.write(plain, depth + 1);
    return `${keyOf(key)}: ${written}`;
  }

  layout(prefix, open, items, close, depth, always) {
    if (items.length === 0) return always ? prefix.trimEnd() : `${prefix}${open}${close}`;
    if (open === '<') return `<${items.join(' ')}>`;
    const width = items.reduce((sum, item) => sum + item.length + 2, prefix.length + depth * 2 + 11);
    const shallow = this.deepest - depth < 3;
    if (shallow && width <= this.breakLength && !items.some((item) => item.includes('\n'))) {
      return `${prefix}${open} ${items.join(', ')} ${close}`;
    }
    const indent = '  '.repeat(depth + 1);
    return `${prefix}${open}\n${items.map((item) => indent + item).join(',\n')}\n${'  '.repeat(depth)}${close}`;
  }
}

function inspect(value, options, depth) {
  if (typeof options === 'boolean') return inspect(value, { showHidden: options, depth });
  return new Writer(options ?? {}).write(value, 0);
}
inspect.custom = Symbol.for('nodejs.util.inspect.custom');
inspect.defaultOptions = { depth: 2 };
inspect.styles = {};
inspect.colors = {};

// ------------------------------------------------------------------------- format

const MARKS = {
  s: (value) => {
    if (typeof value === 'string') return value;
    if (typeof value === 'object' && value !== null && typeof value.toString === 'function'
      && value.toString !== Object.prototype.toString && !Array.isArray(value) && !(value instanceof Error)) return String(value);
    return inspect(value, { depth: 0 });
  },
  d: (value) => (typeof value === 'bigint' ? `${value}n` : typeof value === 'object' ? 'NaN' : primitive(Number(value))),
  i: (value) => (typeof value === 'bigint' ? `${value}n` : String(parseInt(value, 10))),
  f: (value) => String(parseFloat(value)),
  j: (value) => {
    try {
      return JSON.stringify(value);
    } catch {
      return '[Circular]';
    }
  },
  o: (value) => inspect(value, { showHidden: true, depth: 4 }),
  O: (value) => inspect(value),
  c: () => '',
};

function format(...values) {
  if (typeof values[0] !== 'string') return values.map((one) => (typeof one === 'string' ? one : inspect(one))).join(' ');
  let next = 1;
  const text = values.length === 1 ? values[0] : values[0].replace(/%([sdifjoOc%])/g, (whole, mark) => {
    if (mark === '%') return '%';
    return next < values.length ? MARKS[mark](values[next++]) : whole;
  });
  return [text, ...values.slice(next).map((one) => (typeof one === 'string' ? one : inspect(one)))].join(' ');
}

module.exports = { inspect, format };
