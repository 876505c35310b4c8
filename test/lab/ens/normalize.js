// normalize.js DIR: reads a name a line, and prints what ENSIP-15's reference makes of it, or ! and why it refuses.
'use strict';
const {ens_normalize} = require(require('path').join(process.argv[2], 'adraffy-ens-normalize-1.11.1/dist/index.cjs'));
for (const name of require('fs').readFileSync(0, 'utf8').split('\n').slice(0, -1)) {
	try {
		console.log(ens_normalize(JSON.parse(name)));
	} catch (err) {
		console.log('!' + String(err.message).split('\n')[0]);
	}
}
