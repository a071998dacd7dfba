// SPDX-License-Identifier: Apache-2.0
// Text that is UTF-8 and text that is not, by the sections of Markus Kuhn's decoder stress test
// (https://www.cl.cam.ac.uk/~mgk25/ucs/examples/UTF-8-test.txt): what the groups from 6.5 on are
// about.

const good = (...hexes) => hexes.map((hex) => ({ bytes: Buffer.from(hex, 'hex'), isValid: true }));
const bad = (...hexes) => hexes.map((hex) => ({ bytes: Buffer.from(hex, 'hex'), isValid: false }));

/// The Greek word that the decoder test opens with, as UTF-8.
export const greek = Buffer.from('\u03ba\u1f79\u03c3\u03bc\u03b5');

function prefixesOfGreek() {
  const wholeAt = new Set([2, 5, 7, 9, 11]);
  return Array.from(greek, (_, i) => ({
    bytes: greek.subarray(0, i + 1),
    isValid: wholeAt.has(i + 1),
  }));
}

/// The lead bytes from `from` up to `below`, a blank behind each.
function lonely(from, below) {
  let hex = '';
  for (let byte = from; byte < below; ++byte) hex += `${byte.toString(16)}20`;
  return hex;
}

function everyContinuationByte() {
  let hex = '';
  for (let byte = 0x80; byte < 0xbf; ++byte) hex += byte.toString(16);
  return hex;
}

/// The last two code points of each plane: no characters, yet UTF-8.
function nonCharacters() {
  const hexes = [];
  for (let plane = 0; plane <= 16; ++plane) {
    for (const low of [0xfffe, 0xffff]) {
      hexes.push(Buffer.from(String.fromCodePoint(plane * 0x1_0000 + low)).toString('hex'));
    }
  }
  return hexes;
}

const cutShort = [
  'c0', 'e080', 'f08080', 'f8808080', 'fc80808080',
  'df', 'efbf', 'f7bfbf', 'fbbfbfbf', 'fdbfbfbfbf',
];

/// Section by section, from 6.5 on.
export const utf8Sections = [
  {
    title: 'valid text',
    texts: [
      ...good('68656c6c6f24776f726c64', '68656c6c6fc2a2776f726c64', '68656c6c6fe282ac776f726c64'),
      ...good('68656c6c6ff0a4ada2776f726c64', greek.toString('hex')),
    ],
  },
  { title: 'every beginning of a valid text', texts: prefixesOfGreek() },
  { title: 'the first code point of each length', texts: good('00', 'c280', 'e0a080', 'f0908080') },
  { title: 'the first of 5 and 6 bytes', texts: bad('f888808080', 'fc8480808080') },
  { title: 'the last code point of each length', texts: good('7f', 'dfbf', 'efbfbf', 'f48fbfbf') },
  { title: 'the last of 4, 5 and 6 bytes', texts: bad('f7bfbfbf', 'fbbfbfbfbf', 'fdbfbfbfbfbf') },
  {
    title: 'other boundaries',
    texts: [...good('ed9fbf', 'ee8080', 'efbfbd', 'f48fbfbf'), ...bad('f4908080')],
  },
  {
    title: 'unexpected continuation bytes',
    texts: bad(
      '80', 'bf', '80bf', '80bf80', '80bf80bf', '80bf80bf80', '80bf80bf80bf',
      everyContinuationByte(),
    ),
  },
  {
    title: 'lonely lead bytes',
    texts: bad(
      lonely(0xc0, 0xdf), lonely(0xe0, 0xef), lonely(0xf0, 0xf7), lonely(0xf8, 0xfb),
      lonely(0xfc, 0xfd),
    ),
  },
  { title: 'the last continuation byte missing', texts: bad(...cutShort) },
  { title: 'incomplete sequences joined', texts: bad(cutShort.join('')) },
  { title: 'impossible bytes', texts: bad('fe', 'ff', 'fefeffff') },
  {
    title: 'a slash in too many bytes',
    texts: bad('c0af', 'e080af', 'f08080af', 'f8808080af', 'fc80808080af'),
  },
  {
    title: 'the largest that are too long',
    texts: bad('c1bf', 'e09fbf', 'f08fbfbf', 'f887bfbfbf', 'fc83bfbfbfbf'),
  },
  {
    title: 'NUL in too many bytes',
    texts: bad('c080', 'e08080', 'f0808080', 'f880808080', 'fc8080808080'),
  },
  {
    title: 'single surrogates',
    texts: bad('eda080', 'edadbf', 'edae80', 'edafbf', 'edb080', 'edbe80', 'edbfbf'),
  },
  {
    title: 'paired surrogates',
    texts: bad(
      'eda080edb080', 'eda080edbfbf', 'edadbfedb080', 'edadbfedbfbf', 'edae80edb080',
      'edae80edbfbf', 'edafbfedb080', 'edafbfedbfbf',
    ),
  },
  { title: 'code points that are no characters', texts: good(...nonCharacters()) },
  {
    title: 'specials',
    texts: good('efbfb9', 'efbfba', 'efbfbb', 'efbfbc', 'efbfbd', 'efbfbe', 'efbfbf'),
  },
];
