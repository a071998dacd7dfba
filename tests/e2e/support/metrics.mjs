// SPDX-License-Identifier: Apache-2.0
// Reads the Prometheus text format, strictly.
import { get } from './http.mjs';

const name = '[a-zA-Z_:][a-zA-Z0-9_:]*';
const label = '[a-zA-Z_][a-zA-Z0-9_]*="(?:[^"\\\\\\n]|\\\\["\\\\n])*"';
const patterns = {
  help: new RegExp(`^# HELP (${name}) \\S.*$`),
  type: new RegExp(`^# TYPE (${name}) (counter|gauge|histogram|summary|untyped)$`),
  sample: new RegExp(`^(${name})(\\{${label}(?:,${label})*\\})? (-?(?:\\d+(?:\\.\\d+)?|Inf|NaN))$`),
};

/**
 * Parses one exposition. Answers `{samples, types}`, both maps; a sample's name includes its labels
 * as written. Throws on a line that is none of the format's, a sample without a type, a series or
 * family that comes twice.
 */
export function parseMetrics(text) {
  if (!text.endsWith('\n')) throw new Error('the last line has no end');
  const samples = new Map();
  const types = new Map();
  const helped = new Set();
  let family;
  for (const line of text.slice(0, -1).split('\n')) {
    const help = patterns.help.exec(line);
    const type = patterns.type.exec(line);
    const sample = patterns.sample.exec(line);
    if (help) {
      if (helped.has(help[1])) throw new Error(`described twice: ${line}`);
      helped.add(help[1]);
    } else if (type) {
      if (types.has(type[1])) throw new Error(`typed twice: ${line}`);
      if (!helped.has(type[1])) throw new Error(`no HELP before: ${line}`);
      types.set(type[1], type[2]);
      family = type[1];
    } else if (sample) {
      const base = types.get(family) === 'histogram'
        ? sample[1].replace(/_(bucket|sum|count)$/, '')
        : sample[1];
      if (base !== family) throw new Error(`not of the family ${family}: ${line}`);
      const series = sample[1] + (sample[2] ?? '');
      if (samples.has(series)) throw new Error(`comes twice: ${line}`);
      samples.set(series, Number(sample[3]));
    } else {
      throw new Error(`no line of the Prometheus text format: ${line}`);
    }
  }
  return { samples, types };
}

/// The samples of `server` now: a function from a series to its value.
export async function readMetrics(server) {
  const answer = await get(server.operatorsUrl ?? server.url, '/metrics');
  if (answer.status !== 200) throw new Error(`/metrics: ${answer.status} ${answer.body}`);
  const { samples } = parseMetrics(answer.body);
  return (series) => {
    if (!samples.has(series)) throw new Error(`no series ${series}`);
    return samples.get(series);
  };
}
