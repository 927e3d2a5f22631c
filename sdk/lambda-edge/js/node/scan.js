// Which modules a source asks for with a literal: `require('x')` and `import('x')`. (The engine itself finds static
// imports.) What stands in comments, texts and inside a `try` block, where a handler copes with its absence, is left out.
'use strict';

// After these words a `/` begins a regular expression; after any other word it divides.
const BEFORE_VALUE = new Set((
  'return typeof instanceof in of new delete void throw case do else yield await'
).split(' '));

const WORD = /[\p{ID_Start}$_][\p{ID_Continue}$\u200c\u200d]*/uy;
const NUMBER = /\.?\d[\w.]*/y;
const TEXT = /'(?:[^'\\\n]|\\[^])*'|"(?:[^"\\\n]|\\[^])*"/y;
const COMMENT = /\/\/.*|\/\*[^]*?\*\//y;
const PATTERN = /\/(?:[^\/\\[\n]|\\.|\[(?:[^\]\\\n]|\\.)*\])+\/[a-z]*/y;
const SPACE = /\s+/y;

// What is left of a template literal from `at`, up to its end or to the next `${`.
function skipTemplate(source, at) {
  for (; at < source.length; at++) {
    if (source[at] === '\\') at++;
    else if (source[at] === '`') return { at: at + 1, opens: false };
    else if (source[at] === '$' && source[at + 1] === '{') return { at: at + 2, opens: true };
  }
  return { at, opens: false };
}

// Calls `see` with each token: a word, a number, a text with its quotes, or one character.
function tokens(source, see) {
  let at = 0;
  let before = ''; // the token before, comments and space left out
  const braces = []; // of each open one, whether it ends a `${` of a template
  const match = (pattern) => {
    pattern.lastIndex = at;
    const found = pattern.exec(source);
    if (found) at = pattern.lastIndex;
    return found && found[0];
  };
  const template = () => {
    const skipped = skipTemplate(source, at);
    at = skipped.at;
    if (skipped.opens) braces.push(true);
    before = skipped.opens ? '{' : '`';
  };
  while (at < source.length) {
    if (match(SPACE) || match(COMMENT)) continue;
    const dividing = /[\w$)\]}`'"]$/.test(before) && !BEFORE_VALUE.has(before);
    const token = match(WORD) || match(NUMBER) || match(TEXT) || (!dividing && match(PATTERN)) || source[at++];
    if (token === '{') braces.push(false);
    if (token === '`' || (token === '}' && braces.pop())) {
      template();
      continue;
    }
    see(token);
    before = token;
  }
}

exports.required = (source) => {
  const found = new Set();
  if (!/\b(require|import)\b/.test(source)) return found;
  const blocks = []; // of each open brace, whether it is a `try` block or inside of one
  let last = ['', '', '', '']; // the four tokens before
  tokens(source, (token) => {
    const [before, , , first] = last;
    if (token === '{') blocks.push(before === 'try' || blocks[blocks.length - 1] === true);
    if (token === '}') blocks.pop();
    const [text, open, name] = last;
    if (token === ')' && open === '(' && (name === 'require' || name === 'import') && first !== '.' && /^['"]/.test(text)
      && !blocks[blocks.length - 1]) {
      found.add(text.slice(1, -1));
    }
    last = [token, last[0], last[1], last[2]];
  });
  return found;
};
