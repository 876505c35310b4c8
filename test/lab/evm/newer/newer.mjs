// newer.mjs DIR WORK BASE: a chain through Deneb, Electra and Fulu: real geth of DIR under Lodestar's state transition, on
// loopback, minimal preset. The first slots are made at once, for their time is past; then one a second. WORK/profile.json
// is there when it answers. Ends with its standard input.
import { spawn, spawnSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { readFileSync, renameSync, writeFileSync } from "node:fs";
import { bytes, Chain, hex, PER_EPOCH } from "./chain.mjs";
import { Engine } from "./engine.mjs";
import { serve } from "./serve.mjs";

const [dir, work, base] = process.argv.slice(2), port = Number(base);
const forks = { electra: 5, fulu: 7 }, slotSeconds = 1, past = 34; // slots 40 and 56; a new committee at 64
const genesisTime = Math.floor(Date.now() / 1000) - past * slotSeconds;
const when = (epoch) => genesisTime + epoch * PER_EPOCH * slotSeconds;

const genesis = JSON.parse(readFileSync(new URL("genesis.json", import.meta.url)));
Object.assign(genesis.config, { pragueTime: when(forks.electra), osakaTime: when(forks.fulu) });
writeFileSync(work + "/genesis.json", JSON.stringify(genesis));
const secret = randomBytes(32);
writeFileSync(work + "/jwt", secret.toString("hex"));

const bin = dir + "/bin/geth", home = ["--datadir", work + "/geth", "--state.scheme", "hash"];
const init = spawnSync(bin, [...home, "init", work + "/genesis.json"], { encoding: "utf8" });
if (init.status !== 0) throw new Error(init.stderr);
const geth = spawn(bin, [...home, "--networkid", "32382", "--nodiscover", "--maxpeers", process.env.MAXPEERS ?? "0", "--nat", "none", "--port", String(port + 3), "--netrestrict",
  "127.0.0.0/8", "--ipcdisable", "--syncmode", "full", "--gcmode", "archive", "--http", "--http.addr", "127.0.0.1", "--http.port", base, "--http.api",
  "eth,net,web3,txpool,admin", "--authrpc.addr", "127.0.0.1", "--authrpc.port", String(port + 1), "--authrpc.jwtsecret", work + "/jwt"], { stdio: ["ignore", "ignore", "inherit"] });
const end = (code) => { geth.kill(); process.exit(code); };
process.stdin.resume().on("end", () => end(0));
process.on("SIGTERM", () => end(0));
geth.on("exit", (code) => end(code || 1));

const rest = (ms) => new Promise((done) => setTimeout(done, ms));
const engine = new Engine(`http://127.0.0.1:${port + 1}`, secret);
let first;
for (let i = 0; !first; i++) {
  first = await engine.ask("eth_getBlockByNumber", "0x0", false).catch((err) => { if (i > 300) throw err; });
  if (!first) await rest(200); // geth has no way to tell that it is ready
}
const chain = new Chain({ engine, genesisHash: bytes(first.hash), genesisTime, slotSeconds, forks });
await serve(chain, port + 2);

const version = (name) => hex(chain.config.forks[name].version);
const told = {
  name: "lab", chain_id: 32382, chain: {
    finality: "sync-committee", preset: "minimal", seconds_per_slot: slotSeconds, genesis_time: genesisTime, genesis_validators_root: hex(chain.genesisRoot),
    forks: Object.entries({ phase0: 0, altair: 0, bellatrix: 0, capella: 0, deneb: 0, ...forks }).map(([name, epoch]) => ({ name, epoch, version: version(name) })),
    execution: [{ name: "shanghai", time: 0 }, { name: "cancun", time: 0 }, { name: "prague", time: when(forks.electra) }, { name: "osaka", time: when(forks.fulu) }],
    ws_period: 86400, beacon: [`http://127.0.0.1:${port + 2}`], rpc: [`http://127.0.0.1:${port}`],
  },
};
const publish = () => { writeFileSync(work + "/p", JSON.stringify(told)); renameSync(work + "/p", work + "/profile.json"); };
try {
  for (;;) {
    const slot = chain.state.slot + 1, wait = (genesisTime + slot * slotSeconds) * 1000 - Date.now();
    if (wait > 0) await rest(wait);
    await chain.next();
    if (slot === past) publish();
    console.error(`slot ${slot} ${chain.config.getForkName(slot)} final ${chain.state.finalizedCheckpoint.epoch}`);
  }
} catch (err) {
  console.error(err);
  end(1);
}
