// wallet.mjs OURS GETH HEX: lets pars-evm serve --wallet sign for ethers and viem: deploys the contract HEX, stakes
// 5000 wei in it, signs a text and typed data. One line a check, the contract last; ends with 1 at the first fault.
import { ethers } from "ethers";
import { createWalletClient, custom, verifyTypedData } from "viem";

const [ours, theirs, hex] = process.argv.slice(2);
const ok = (what) => console.log("ok", what);
const fail = (what, ...more) => { console.log("FAIL", what, ...more); process.exit(1); };
const ask = async (method, params) => {
  const r = await fetch(ours, { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify({ jsonrpc: "2.0", id: 1, method, params }) });
  const a = await r.json();
  if (a.error) throw Object.assign(new Error(a.error.message), { code: a.error.code });
  return a.result;
};

const geth = new ethers.JsonRpcProvider(theirs, undefined, { cacheTimeout: -1 });
const mined = async (hash) => {
  for (let t = 0; t < 300; t++) {
    const r = await geth.getTransactionReceipt(hash);
    if (r) return r.status === 1 ? r : fail("a transaction failed", hash);
    await new Promise((r) => setTimeout(r, 200)); // a block is due
  }
  fail("no block holds", hash);
};

const provider = new ethers.JsonRpcProvider(ours, undefined, { cacheTimeout: -1 });
const signer = await provider.getSigner();
const me = await signer.getAddress();
ok("eth_accounts " + me);

const text = "salam\n\u202eevil";
if (ethers.verifyMessage(text, await signer.signMessage(text)) !== me) fail("personal_sign");
ok("personal_sign");

const client = createWalletClient({ account: me, transport: custom({ request: ({ method, params }) => ask(method, params) }) });
const typed = { domain: { name: "Shop", version: "1", chainId: 32382, verifyingContract: "0x00000000000000000000000000000000000000cc" },
  types: { Order: [{ name: "what", type: "string" }, { name: "wei", type: "uint256" }] }, primaryType: "Order", message: { what: "tea", wei: 7n } };
if (!await verifyTypedData({ ...typed, address: me, signature: await client.signTypedData(typed) })) fail("eth_signTypedData_v4");
ok("eth_signTypedData_v4");
try {
  await client.signTypedData({ ...typed, domain: { ...typed.domain, chainId: 1 } });
  fail("signed for another chain");
} catch (e) {
  if (!/another chain/.test(String(e.details ?? e.message))) fail("another chain", e);
  ok("another chain is refused");
}

const deployed = await mined(await ask("eth_sendTransaction", [{ from: me, data: hex }]));
ok("deployed by eth_sendTransaction");
const registry = new ethers.Contract(deployed.contractAddress, ["function stake() payable", "function stakeOf(address) view returns (uint256)"], geth);
for (let t = 0; Number(await ask("eth_blockNumber", [])) < deployed.blockNumber; t++) {
  if (t > 300) fail("our head stays behind");
  await new Promise((r) => setTimeout(r, 200)); // a slot is due
}
await mined(await ask("eth_sendTransaction", [{ from: me, to: deployed.contractAddress, value: "0x1388", data: registry.interface.encodeFunctionData("stake") }]));
if (await registry.stakeOf(me) !== 5000n) fail("staked", await registry.stakeOf(me));
ok("staked by eth_sendTransaction");
console.log(deployed.contractAddress);
