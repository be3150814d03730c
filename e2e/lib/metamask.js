// MetaMask's own controllers, wired as its extension does it; keys are signed with here.

import { createRequire } from "node:module";
import { Messenger } from "@metamask/messenger";
import { accounts } from "./fixtures.js";

// Only the CommonJS builds of these load in Node.
const require = createRequire(import.meta.url);
const { NetworkController, RpcEndpointType } = require("@metamask/network-controller");
const { GasFeeController } = require("@metamask/gas-fee-controller");
const { TransactionController } = require("@metamask/transaction-controller");

// The transaction controller's poller of fees starts a timer again after it was stopped. So the timers of
// the controllers do not keep this process; the node that is its child does, as long as it runs.
const start = globalThis.setTimeout;
globalThis.setTimeout = (...args) => start(...args).unref();

const POLL_MS = 100;
const silent = { log() {}, warn() {}, error() {}, info() {}, debug() {} };

export class MetaMask {
    /** Adds `url` as a custom network and switches to it, as the form for it does. */
    static async start(url, chainId, selected) {
        const mask = new MetaMask();
        mask.sent = [];
        mask.root = new Messenger({ namespace: "Root" });
        mask.chainId = `0x${chainId.toString(16)}`;
        mask.selected = selected;
        mask.provideNeighbours();
        mask.startNetwork();
        const { rpcEndpoints } = mask.network.addNetwork({
            chainId: mask.chainId, name: "Aura", nativeCurrency: "ETH", blockExplorerUrls: [], defaultRpcEndpointIndex: 0,
            rpcEndpoints: [{ type: RpcEndpointType.Custom, url, name: "Aura" }],
        });
        mask.clientId = rpcEndpoints[0].networkClientId;
        await mask.network.setActiveNetwork(mask.clientId);
        mask.startFees();
        mask.startTransactions();
        return mask;
    }

    /** A messenger for `namespace` with the actions and events of others that it uses. */
    messenger(namespace, actions = [], events = []) {
        const messenger = new Messenger({ namespace, parent: this.root });
        this.root.delegate({ messenger, actions, events });
        return messenger;
    }

    /** What the rest of the extension answers: one account, every confirmation given, no flags. */
    provideNeighbours() {
        const account = { id: "1", address: this.selected, type: "eip155:eoa", metadata: { keyring: { type: "HD Key Tree" } } };
        const answers = {
            AccountsController: { getSelectedAccount: () => account, getState: () => ({ internalAccounts: { accounts: { 1: account }, selectedAccount: "1" } }) },
            ApprovalController: { addRequest: async () => ({ value: {}, resultCallbacks: { success() {}, error() {} } }) },
            RemoteFeatureFlagController: { getState: () => ({ remoteFeatureFlags: {}, cacheTimestamp: 0 }) },
            KeyringController: { signEip7702Authorization: () => Promise.reject(new Error("not wanted")) },
            ErrorReportingService: { captureException: () => {} },
        };
        for (const [namespace, actions] of Object.entries(answers)) {
            const own = new Messenger({ namespace, parent: this.root });
            for (const [name, answer] of Object.entries(actions)) own.registerActionHandler(`${namespace}:${name}`, answer);
        }
    }

    startNetwork() {
        this.network = new NetworkController({
            messenger: this.messenger("NetworkController", ["ErrorReportingService:captureException"]),
            infuraProjectId: "0".repeat(32),
            log: silent,
            // The recorder stands where the request leaves.
            getRpcServiceOptions: () => ({
                fetch: (target, options) => {
                    this.sent.push(JSON.parse(options.body));
                    return fetch(target, options);
                },
                btoa,
            }),
            getBlockTrackerOptions: () => ({ pollingInterval: POLL_MS, retryTimeout: POLL_MS, keepEventLoopActive: false }),
        });
    }

    /** Fees come from the node: its gas API does not know the chain. */
    startFees() {
        this.fees = new GasFeeController({
            messenger: this.messenger(
                "GasFeeController",
                ["NetworkController:getEIP1559Compatibility", "NetworkController:getNetworkClientById", "NetworkController:getState"],
                ["NetworkController:networkDidChange"],
            ),
            getCurrentNetworkEIP1559Compatibility: () => this.network.getEIP1559Compatibility(),
            getCurrentNetworkLegacyGasAPICompatibility: () => false,
            getCurrentAccountEIP1559Compatibility: async () => true,
            getProvider: () => this.network.getProviderAndBlockTracker().provider,
            getChainId: () => this.chainId,
            onNetworkDidChange: () => {},
            EIP1559APIEndpoint: "http://127.0.0.1:1/<chain_id>",
            legacyAPIEndpoint: "http://127.0.0.1:1/<chain_id>",
        });
        this.fees.disableNonRPCGasFeeApis();
    }

    startTransactions() {
        this.transactions = new TransactionController({
            messenger: this.messenger(
                "TransactionController",
                [
                    "AccountsController:getSelectedAccount", "AccountsController:getState", "ApprovalController:addRequest",
                    "KeyringController:signEip7702Authorization", "NetworkController:findNetworkClientIdByChainId",
                    "NetworkController:getNetworkClientById", "RemoteFeatureFlagController:getState",
                ],
                ["NetworkController:stateChange"],
            ),
            disableHistory: true, disableSendFlowHistory: true, disableSwaps: true, transactionHistoryLimit: 40, hooks: {},
            getCurrentAccountEIP1559Compatibility: async () => true,
            getCurrentNetworkEIP1559Compatibility: () => this.network.getEIP1559Compatibility(),
            getGasFeeEstimates: (options) => this.fees.fetchGasFeeEstimates(options),
            getNetworkClientRegistry: () => this.network.getNetworkClientRegistry(),
            getNetworkState: () => this.network.state,
            isFirstTimeInteractionEnabled: () => false,
            isSimulationEnabled: () => false,
            isAutomaticGasFeeUpdateEnabled: () => false,
            pendingTransactions: { isResubmitEnabled: () => false },
            sign: async (transaction, from) => {
                const { privateKey } = accounts.find(({ address }) => address.toLowerCase() === from.toLowerCase());
                return transaction.sign(Buffer.from(privateKey.slice(2), "hex"));
            },
        });
    }

    /** The provider that a page would get. */
    get provider() {
        return this.network.getProviderAndBlockTracker().provider;
    }

    get blockTracker() {
        return this.network.getProviderAndBlockTracker().blockTracker;
    }

    /** Sends as the user does: adds, confirms, signs, publishes; resolves with the transaction once it is confirmed or failed. */
    async send(fields) {
        const txParams = { from: this.selected, ...fields };
        const { transactionMeta, result } = await this.transactions.addTransaction(txParams, { networkClientId: this.clientId, requireApproval: true });
        const ended = new Promise((done) => {
            for (const name of ["transactionConfirmed", "transactionFailed", "transactionDropped"]) {
                this.root.subscribe(`TransactionController:${name}`, (event) => {
                    const meta = event.transactionMeta ?? event;
                    if (meta.id === transactionMeta.id) done({ name, meta, error: event.error });
                });
            }
        });
        const hash = await result;
        return { hash, added: transactionMeta, ...(await ended) };
    }

    stop() {
        this.transactions.stopIncomingTransactionPolling?.();
        this.fees.destroy();
        this.network.destroy();
    }
}
