// time.js DIR headers FILE N: how many seconds hsd takes to read and hash N headers, those of a checkpoint over and over, and to compare
// each with its target. time.js DIR proofs FILE: how many npm urkel takes to read and verify the proofs of FILE, as proofs.js writes them.
'use strict';
const path = require('path');
const fs = require('fs');
const [dir, what, file, n] = process.argv.slice(2);
const from = name => require(path.join(dir, 'node_modules', name));
const cpu = () => { const u = process.cpuUsage(); return (u.user + u.system) / 1e6; };
if (what === 'headers') {
	const {Headers} = from('hsd');
	const data = fs.readFileSync(file);
	const count = (data.length - 36) / 236;
	const run = times => {
		for (let i = 0; i < times; i++) {
			const h = Headers.decode(data.slice(36 + i % count * 236, 36 + (i % count + 1) * 236));
			if (!h.verifyPOW())
				throw new Error('no work');
		}
	};
	run(Math.min(5000, Number(n)));
	const start = cpu();
	run(Number(n));
	console.log(cpu() - start);
} else {
	const {Proof} = from('urkel');
	const blake2b = from('bcrypto/lib/blake2b');
	const list = fs.readFileSync(file, 'utf8').trimEnd().split('\n').map(l => l.split(' ').slice(0, 3).map(x => Buffer.from(x, 'hex')));
	const run = l => {
		for (const [root, key, proof] of l) {
			if (Proof.decode(proof, blake2b, 256).verify(root, key, blake2b, 256)[0] !== 0)
				throw new Error('does not hold');
		}
	};
	run(list.slice(0, 2000));
	const start = cpu();
	run(list);
	console.log(cpu() - start);
}
