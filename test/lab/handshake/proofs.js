// proofs.js URKEL N Q: Q proofs of a tree of N values made by npm urkel, and those of an empty tree and of one value, a line each:
// root, key, proof, what its own check says (0: it holds), value. A third line in seven is a near miss: the key of a value but for one bit.
'use strict';
const path = require('path');
const [dir, n, q] = [process.argv[2], Number(process.argv[3]), Number(process.argv[4])];
const {Tree} = require(path.join(dir, 'node_modules/urkel'));
const blake2b = require(path.join(dir, 'node_modules/bcrypto/lib/blake2b'));
const hash = text => blake2b.digest(Buffer.from(text));

async function tell(tree, key) {
	const root = tree.rootHash();
	const proof = await tree.prove(key);
	const [code, value] = proof.verify(root, key, blake2b, 256);
	const line = [root, key, proof.encode(blake2b, 256)].map(b => b.toString('hex')).concat(code, value ? value.toString('hex') : '').join(' ') + '\n';
	if (!process.stdout.write(line))
		await new Promise(resolve => process.stdout.once('drain', resolve));
}

async function grow(tree, tag, count, asked) {
	const batch = tree.batch();
	for (let i = 0; i < count; i++)
		await batch.insert(hash(tag + i), Buffer.from(tag + i + 'x'.repeat(i % 600)));
	await batch.commit();
	for (let i = 0; i < asked; i++) {
		const key = Buffer.from(i % 2 ? hash(tag + i % count) : hash('absent ' + tag + i));
		if (i % 7 === 3)
			key[31] ^= 1 << i % 8;
		if (i % 11 === 4)
			key[1 + i % 4] ^= 1 << i % 8;
		await tell(tree, key);
	}
}

(async () => {
	const tree = new Tree({hash: blake2b, bits: 256, prefix: null});
	await tree.open();
	await tell(tree, hash('nothing'));
	await grow(tree, 'one', 1, 13);
	await grow(tree, 'many', n, q);
})().catch(err => { console.error(err); process.exit(1); });
