// lodestar.mjs DIR BEACON ROOT: follows from a checkpoint with @lodestar/light-client 1.5.1 until it has verified its first
// head, and prints its slot. LODESTAR_PRESET is that of the chain.
import path from "node:path";

const [dir, beacon, root] = process.argv.slice(2);
const load = (name) => import(path.resolve(dir, "lodestar/node_modules", name));
const [{ Lightclient, LightclientEvent }, { LightClientRestTransport }, { getClient }, { createIChainForkConfig, chainConfigFromJson }] = await Promise.all([
  load("@lodestar/light-client/lib/index.js"), load("@lodestar/light-client/lib/transport/rest.js"), load("@lodestar/api/lib/index.js"), load("@lodestar/config/lib/index.js")]);

const json = async (route) => (await (await fetch(beacon + route)).json()).data;
const [spec, genesis] = await Promise.all([json("/eth/v1/config/spec"), json("/eth/v1/beacon/genesis")]);
const config = createIChainForkConfig(chainConfigFromJson(spec));
const quiet = { error: (...a) => console.error(...a), warn() {}, info() {}, debug() {}, verbose() {} };
const client = await Lightclient.initializeFromCheckpointRoot({ config, logger: quiet, transport: new LightClientRestTransport(getClient({ baseUrl: beacon }, { config })),
  genesisData: { genesisTime: Number(genesis.genesis_time), genesisValidatorsRoot: genesis.genesis_validators_root }, checkpointRoot: Buffer.from(root.slice(2), "hex") });
const done = (header) => { console.log(header.beacon.slot); process.exit(0); };
client.emitter.on(LightclientEvent.lightClientOptimisticUpdate, done);
client.start();
