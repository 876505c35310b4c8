// make.cjs: compiles stakes.sol into stakes.hex with solc 0.8.28 of npm (npm install solc@0.8.28 in any folder, run it there).
const solc = require("solc"), fs = require("fs"), path = require("path");
const content = fs.readFileSync(path.join(__dirname, "stakes.sol"), "utf8");
const settings = { evmVersion: "shanghai", optimizer: { enabled: true, runs: 200 }, metadata: { appendCBOR: false, bytecodeHash: "none" }, outputSelection: { "*": { "*": ["evm.bytecode.object"] } } };
const out = JSON.parse(solc.compile(JSON.stringify({ language: "Solidity", sources: { "stakes.sol": { content } }, settings })));
if (out.errors) throw new Error(out.errors.map((e) => e.formattedMessage).join("\n"));
fs.writeFileSync(path.join(__dirname, "stakes.hex"), out.contracts["stakes.sol"].Stakes.evm.bytecode.object + "\n");
