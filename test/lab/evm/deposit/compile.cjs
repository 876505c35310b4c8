// compile.cjs OUT GENESIS: writes the genesis with Deposit.sol's code at the place of the deposit contract.
const fs = require("fs");
const path = require("path");
const solc = require("solc");

const [out, genesis] = process.argv.slice(2);
const answer = JSON.parse(solc.compile(JSON.stringify({
  language: "Solidity",
  sources: {"Deposit.sol": {content: fs.readFileSync(path.join(__dirname, "Deposit.sol"), "utf8")}},
  settings: {evmVersion: "shanghai", optimizer: {enabled: true}, outputSelection: {"*": {"*": ["evm.deployedBytecode.object"]}}},
})));
for (const e of answer.errors ?? []) console.error(e.formattedMessage);
const chain = JSON.parse(fs.readFileSync(genesis, "utf8"));
chain.alloc[chain.config.depositContractAddress].code = "0x" + answer.contracts["Deposit.sol"].Deposit.evm.deployedBytecode.object;
fs.writeFileSync(out, JSON.stringify(chain));
