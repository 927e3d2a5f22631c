// Paths as on Linux.
'use strict';

function clean(parts, absolute) {
  const kept = [];
  for (const part of parts) {
    if (part === '' || part === '.') continue;
    if (part !== '..') kept.push(part);
    else if (kept.length && kept[kept.length - 1] !== '..') kept.pop();
    else if (!absolute) kept.push('..');
  }
  return kept.join('/');
}

function check(path, what = 'path') {
  if (typeof path !== 'string') throw new TypeError(`the ${what} must be a string, it is ${typeof path}`);
  return path;
}

const path = {
  sep: '/',
  delimiter: ':',
  isAbsolute: (one) => check(one).startsWith('/'),

  normalize(one) {
    if (check(one) === '') return '.';
    const absolute = one.startsWith('/');
    let cleaned = clean(one.split('/'), absolute);
    if (cleaned === '' && !absolute) cleaned = '.';
    if (cleaned !== '' && one.endsWith('/')) cleaned += '/';
    return absolute ? `/${cleaned}` : cleaned;
  },

  join: (...parts) => path.normalize(parts.map((part) => check(part)).filter(Boolean).join('/')),

  resolve(...parts) {
    let whole = '';
    for (const part of [...parts].reverse()) {
      if (check(part) !== '') whole = whole === '' ? part : `${part}/${whole}`;
      if (whole.startsWith('/')) break;
    }
    if (!whole.startsWith('/')) whole = `/var/task/${whole}`;
    return `/${clean(whole.split('/'), true)}`;
  },

  relative(from, to) {
    const [a, b] = [from, to].map((one) => path.resolve(one).split('/').filter(Boolean));
    let same = 0;
    while (same < a.length && same < b.length && a[same] === b[same]) same++;
    return [...a.slice(same).map(() => '..'), ...b.slice(same)].join('/');
  },

  dirname(one) {
    const bare = check(one).replace(/(?<=.)\/+$/, '');
    const at = bare.lastIndexOf('/');
    if (at < 0) return '.';
    return bare.slice(0, at).replace(/(?<=.)\/+$/, '') || '/';
  },

  basename(one, suffix) {
    const name = check(one).replace(/\/+$/, '').split('/').pop();
    return suffix && name !== suffix && name.endsWith(suffix) ? name.slice(0, -suffix.length) : name;
  },

  extname(one) {
    const name = path.basename(one);
    const at = name.lastIndexOf('.');
    return at <= 0 || name === '..' ? '' : name.slice(at);
  },

  parse(one) {
    const base = path.basename(one);
    const ext = path.extname(one);
    const root = one.startsWith('/') ? '/' : '';
    const above = path.dirname(one);
    const dir = above === '.' && !one.startsWith('.') ? '' : above;
    return { root, dir, base, ext, name: ext ? base.slice(0, -ext.length) : base };
  },

  format(parts) {
    const dir = parts.dir || parts.root;
    const ext = parts.ext && !parts.ext.startsWith('.') ? `.${parts.ext}` : parts.ext ?? '';
    const base = parts.base || `${parts.name ?? ''}${ext}`;
    if (!dir) return base;
    return dir === parts.root ? `${dir}${base}` : `${dir}/${base}`;
  },

  toNamespacedPath: (one) => one,
};
path.posix = path;

module.exports = path;
