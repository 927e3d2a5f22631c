// Host names in ASCII (RFC 3492). Of UTS 46 this has lower case and composed form, which is what names in use need.
'use strict';

const [BASE, LOWEST, HIGHEST, SKEW, DAMP, BIAS, FIRST] = [36, 1, 26, 38, 700, 72, 128];

function adapt(delta, count, first) {
  let left = first ? Math.floor(delta / DAMP) : delta >> 1;
  left += Math.floor(left / count);
  let k = 0;
  for (; left > ((BASE - LOWEST) * HIGHEST) >> 1; k += BASE) left = Math.floor(left / (BASE - LOWEST));
  return k + Math.floor(((BASE - LOWEST + 1) * left) / (left + SKEW));
}

const digit = (value) => String.fromCharCode(value + (value < 26 ? 97 : 22));

function writeNumber(value, bias) {
  let text = '';
  for (let k = BASE; ; k += BASE) {
    const least = k <= bias ? LOWEST : k >= bias + HIGHEST ? HIGHEST : k - bias;
    if (value < least) return text + digit(value);
    text += digit(least + ((value - least) % (BASE - least)));
    value = Math.floor((value - least) / (BASE - least));
  }
}

function encode(label) {
  const points = Array.from(label, (one) => one.codePointAt(0));
  const plain = points.filter((point) => point < 128);
  let text = String.fromCharCode(...plain) + (plain.length ? '-' : '');
  let [next, delta, bias, done] = [FIRST, 0, BIAS, plain.length];
  while (done < points.length) {
    const smallest = Math.min(...points.filter((point) => point >= next));
    delta += (smallest - next) * (done + 1);
    next = smallest;
    for (const point of points) {
      if (point < next) delta++;
      if (point !== next) continue;
      text += writeNumber(delta, bias);
      bias = adapt(delta, done + 1, done === plain.length);
      delta = 0;
      done++;
    }
    delta++;
    next++;
  }
  return text;
}

exports.toASCII = (name) => name.normalize('NFKC').toLowerCase().replace(/[\u3002\uff0e\uff61]/g, '.').replace(/\u00ad/g, '')
  .split('.').map((label) => (/[^\0-\x7f]/.test(label) ? `xn--${encode(label)}` : label)).join('.');
