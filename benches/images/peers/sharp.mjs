// node sharp.mjs SOURCE RESULT TIMES CASE: the same as bench-images, by sharp on one thread. CASE is JSON.
import { readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';

const sharp = createRequire(process.cwd() + '/')('sharp');
const [source, result, times, text] = process.argv.slice(2);
const { width, format, quality, effort, animated, progressive } = JSON.parse(text);
sharp.cache(false);
sharp.concurrency(1);
const bytes = readFileSync(source);
const options = { quality, progressive };
if (effort !== undefined) options.effort = effort;
if (format === 'png' || format === 'gif') delete options.quality;
const make = () => sharp(bytes, { animated: animated ?? false }).rotate().resize({ width }).toFormat(format, options).toBuffer();
writeFileSync(result, await make());
const peak = Number(/VmHWM:\s+(\d+)/.exec(readFileSync('/proc/self/status', 'utf8'))[1]);
const [start, used] = [process.hrtime.bigint(), process.cpuUsage()];
for (let i = 0; i < Number(times); i++) await make();
const cpu = process.cpuUsage(used);
console.log(JSON.stringify({
  cpu: (cpu.user + cpu.system) / 1000 / times,
  wall: Number(process.hrtime.bigint() - start) / 1e6 / times,
  peak_kib: peak,
}));
