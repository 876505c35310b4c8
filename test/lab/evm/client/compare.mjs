// compare.mjs OURS GETH KEY: sends transactions to a real geth, then asks both the same questions and wants the same
// answers, by ethers and viem as wallets do. One line a check; ends with 1 at the first difference.
import { isDeepStrictEqual, inspect } from "node:util";
import { ethers } from "ethers";
import { createPublicClient, createWalletClient, defineChain, http, webSocket, keccak256 } from "viem";
import { privateKeyToAccount } from "viem/accounts";

const [ours, theirs, key] = process.argv.slice(2);
let checks = 0;
const ok = (what) => { checks++; console.log("ok", what); };
const fail = (what, ...more) => { console.log("FAIL", what, ...more.map((m) => inspect(m, { depth: 8 }))); process.exit(1); };
const same = (what, a, b) => isDeepStrictEqual(a, b) ? ok(what) : fail(what, "ours", a, "geth", b);

const rpc = async (url, method, params = []) => {
  const r = await fetch(url, { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify({ jsonrpc: "2.0", id: 1, method, params }) });
  return r.json();
};
const result = async (url, method, params) => {
  const a = await rpc(url, method, params);
  if (a.error) fail(method, a.error);
  return a.result;
};
const until = async (what, f, seconds = 60) => {
  for (let t = 0; t < seconds * 5; t++) {
    const v = await f();
    if (v) return v;
    await new Promise((r) => setTimeout(r, 200)); // a block is due
  }
  fail("waited for " + what);
};

// With data: keeps its first word, and logs it as a topic and as data. Without: returns the kept word.
const runtime = "36600f57600054600052602060" + "00f35b6000358060005580600052602060" + "00a100";
const size = (runtime.length / 2).toString(16).padStart(2, "0");
const deploy = "0x60" + size + "80600b6000396000f3" + runtime;
const word = (n) => "0x" + n.toString(16).padStart(64, "0");

const geth = new ethers.JsonRpcProvider(theirs, undefined, { cacheTimeout: -1 });
const wallet = new ethers.Wallet(key, geth);
const me = wallet.address;
const created = await (await wallet.sendTransaction({ data: deploy, gasLimit: 300000 })).wait();
const to = created.contractAddress;
const first = await (await wallet.sendTransaction({ to, data: word(7), gasLimit: 100000 })).wait();
const legacy = await (await wallet.sendTransaction({ to, data: word(8), gasLimit: 100000, type: 0, gasPrice: 3_000_000_000n })).wait();
const listed = await (await wallet.sendTransaction({ to, data: word(9), gasLimit: 100000, type: 1, gasPrice: 3_000_000_000n, accessList: [{ address: to, storageKeys: [word(0)] }] })).wait();
const failed = await wallet.sendTransaction({ to, data: word(5), gasLimit: 22500 });
const reverted = await until("the failed transaction", () => geth.getTransactionReceipt(failed.hash));
if (reverted.status !== 0) fail("a transaction without enough gas went through");
const top = reverted.blockNumber;
await until("our head", async () => Number((await rpc(ours, "eth_blockNumber")).result ?? 0) >= top);

const at = "0x" + top.toString(16), blockHash = (await geth.getBlock(top)).hash;
const nobody = "0x00000000000000000000000000000000000000aa";
const questions = [
  ["eth_chainId"], ["net_version"],
  ["eth_getBalance", me, at], ["eth_getBalance", nobody, at], ["eth_getBalance", me, { blockHash }],
  ["eth_getTransactionCount", me, at], ["eth_getTransactionCount", nobody, at],
  ["eth_getCode", to, at], ["eth_getCode", nobody, at],
  ["eth_getStorageAt", to, "0x0", at], ["eth_getStorageAt", to, word(99), at],
  ["eth_getProof", to, [word(0), word(99)], at], ["eth_getProof", me, [], at],
  ["eth_call", { to }, at], ["eth_call", { to: word(2).replace("0x" + "0".repeat(24), "0x"), data: "0x616263" }, at], ["eth_call", { to: nobody, data: "0x01" }, at],
  ["eth_estimateGas", { from: me, to: nobody, value: "0x1" }, at],
  ["eth_createAccessList", { from: me, to, data: word(4) }, at], ["eth_createAccessList", { to }, at],
  ["eth_getBlockByNumber", at, true], ["eth_getBlockByNumber", at, false], ["eth_getBlockByHash", blockHash, true],
  ["eth_getBlockByNumber", "0x" + created.blockNumber.toString(16), true], ["eth_getBlockByNumber", "0x" + legacy.blockNumber.toString(16), true],
  ["eth_getBlockByNumber", "0x" + listed.blockNumber.toString(16), true], ["eth_getBlockByNumber", "0xffffffff", false],
  ["eth_getBlockTransactionCountByNumber", at], ["eth_getBlockTransactionCountByHash", blockHash],
  ["eth_getUncleCountByBlockNumber", at],
  ["eth_getBlockReceipts", at], ["eth_getBlockReceipts", "0x" + created.blockNumber.toString(16)],
  ["eth_getTransactionByBlockNumberAndIndex", at, "0x0"], ["eth_getTransactionByBlockHashAndIndex", blockHash, "0x0"], ["eth_getTransactionByBlockNumberAndIndex", at, "0x99"],
  ...[created, first, legacy, listed, reverted].flatMap((r) => [["eth_getTransactionByHash", r.hash], ["eth_getTransactionReceipt", r.hash]]),
  ["eth_getLogs", { address: to, fromBlock: "0x" + created.blockNumber.toString(16), toBlock: at }],
  ["eth_getLogs", { topics: [[word(7), word(9)]], fromBlock: "0x" + first.blockNumber.toString(16), toBlock: at }],
  ["eth_getLogs", { address: [nobody], fromBlock: "0x" + first.blockNumber.toString(16), toBlock: at }],
  ["eth_getLogs", { blockHash: first.blockHash }],
  ["eth_feeHistory", "0x5", at, []], ["eth_feeHistory", "0x3", at, [10, 90]],
];
for (const [method, ...params] of questions) {
  same(method + " " + JSON.stringify(params).slice(0, 90), await result(ours, method, params), await result(theirs, method, params));
}
const gas = Number(await result(ours, "eth_estimateGas", [{ from: me, to, data: word(3) }, at]));
const real = Number(await result(theirs, "eth_estimateGas", [{ from: me, to, data: word(3) }, at]));
Math.abs(gas - real) <= real * 0.03 ? ok(`eth_estimateGas ${gas} beside ${real}`) : fail("eth_estimateGas", gas, real);
for (const method of ["eth_gasPrice", "eth_maxPriorityFeePerGas", "eth_blobBaseFee", "eth_coinbase", "eth_syncing", "web3_clientVersion"]) {
  await result(ours, method);
  ok(method + " answers");
}

// What cannot be proven, or is not known, is refused with its code and never passed through.
for (const [method, params, code] of [
  ["eth_getTransactionByHash", [keccak256("0x01")], -32011], ["eth_getTransactionReceipt", [keccak256("0x02")], -32011],
  ["eth_newPendingTransactionFilter", [], -32011], ["eth_getBlockByHash", [keccak256("0x03"), false], -32011],
  ["txpool_status", [], -32601], ["debug_traceTransaction", [created.hash], -32601], ["eth_getWork", [], -32601],
  ["eth_getBalance", ["nonsense"], -32602], ["eth_call", [{ to }, at, { [to]: { code: "0x00" } }], -32602],
]) {
  const a = await rpc(ours, method, params);
  a.error?.code === code ? ok(`${method} is refused with ${code}`) : fail(method, a);
}
const revert = await rpc(ours, "eth_call", [{ data: "0x63deadbeef6000526004601cfd" }, at]); // creation code that reverts
revert.error?.code === 3 && revert.error.data === "0xdeadbeef" ? ok("a revert carries its bytes") : fail("revert", revert);
for (const headers of [{ host: "evil.example" }, { origin: "https://evil.example" }]) {
  const { request } = await import("node:http");
  const status = await new Promise((res) => {
    const r = request(ours, { method: "POST", headers: { "content-type": "application/json", ...headers } }, (m) => res(m.statusCode));
    r.end('{"jsonrpc":"2.0","id":1,"method":"eth_chainId"}');
  });
  status === 403 ? ok("refused: " + JSON.stringify(headers)) : fail("let in", headers, status);
}

// ethers and viem on ours alone.
const mine = new ethers.JsonRpcProvider(ours, undefined, { cacheTimeout: -1, pollingInterval: 500 });
same("ethers getBalance", await mine.getBalance(me, top), await geth.getBalance(me, top));
same("ethers call", await mine.call({ to, blockTag: top }), word(9));
const chain = defineChain({ id: 32382, name: "lab", nativeCurrency: { name: "e", symbol: "e", decimals: 18 }, rpcUrls: { default: { http: [ours] } } });
const viem = createPublicClient({ chain, transport: http(ours), pollingInterval: 500 });
same("viem getBalance", await viem.getBalance({ address: me, blockNumber: BigInt(top) }), await geth.getBalance(me, top));
same("viem getStorageAt", await viem.getStorageAt({ address: to, slot: "0x0", blockNumber: BigInt(top) }), word(9));

const ws = createPublicClient({ chain, transport: webSocket(ours.replace("http", "ws")) });
const heads = [], events = [];
const stopHeads = ws.watchBlocks({ onBlock: (b) => heads.push(b), onError: (e) => fail("watchBlocks", e) });
const sub = await ws.transport.subscribe({ params: ["logs", { address: to }], onData: (d) => events.push(d.result), onError: (e) => fail("logs", e) });
const filter = await result(ours, "eth_newFilter", [{ address: to }]);
const blocks = await result(ours, "eth_newBlockFilter", []);

// A transaction signed and sent through ours, to its proven receipt.
const account = privateKeyToAccount(key);
const sender = createWalletClient({ account, chain, transport: http(ours) });
const hash = await sender.sendTransaction({ to, data: word(42), gas: 100000n });
ok("sent through ours " + hash);
const receipt = await viem.waitForTransactionReceipt({ hash, timeout: 60_000 });
same("viem receipt", [receipt.status, receipt.logs.length, receipt.logs[0].topics[0]], ["success", 1, word(42)]);
same("receipt beside geth", await result(ours, "eth_getTransactionReceipt", [hash]), await result(theirs, "eth_getTransactionReceipt", [hash]));
await until("a head by subscription", () => heads.length > 0);
await until("the event by subscription", () => events.length > 0);
same("event by subscription", events[0].topics[0], word(42));
const changes = await until("the event by filter", async () => { const c = await result(ours, "eth_getFilterChanges", [filter]); return c.length && c; });
same("event by filter", changes.map((c) => c.topics[0]), [word(42)]);
(await result(ours, "eth_getFilterChanges", [blocks])).length > 0 ? ok("block filter") : fail("block filter");
same("eth_uninstallFilter", await result(ours, "eth_uninstallFilter", [filter]), true);
await sub.unsubscribe();
stopHeads();
const etx = await new ethers.Wallet(key, mine).sendTransaction({ to: nobody, value: 5n });
const eth = await etx.wait(1, 60_000);
same("ethers receipt", eth.status, 1);
console.log(`done ${checks} checks, ${new Set(questions.map((q) => q[0])).size} methods beside geth`);
process.exit(0);
