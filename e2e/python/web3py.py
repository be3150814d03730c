"""web3.py against a running node: HTTP, WebSocket, and the words that it knows errors by.

`web3py.py HTTP_URL WS_URL PROBE_JSON` prints one line per step that it asserted; the test counts them.
"""

import asyncio
import json
import sys

from eth_account import Account
from web3 import AsyncWeb3, Web3, WebSocketProvider
from web3.exceptions import (
    BadFunctionCallOutput,
    BlockNotFound,
    ContractCustomError,
    ContractLogicError,
    ContractPanicError,
    TransactionNotFound,
    Web3RPCError,
)
from web3.middleware import SignAndSendRawMiddlewareBuilder
from web3.utils.subscriptions import LogsSubscription, NewHeadsSubscription, PendingTxSubscription

HTTP_URL, WS_URL, PROBE = sys.argv[1:4]
Account.enable_unaudited_hdwallet_features()
PHRASE = "test test test test test test test test test test test junk"
ACCOUNTS = [Account.from_mnemonic(PHRASE, account_path=f"m/44'/60'/0'/0/{i}") for i in range(10)]
ALICE, BOB, CAROL = ACCOUNTS[:3]

w3 = Web3(Web3.HTTPProvider(HTTP_URL, exception_retry_configuration=None))
w3.eth.set_gas_price_strategy(None)
with open(PROBE) as file:
    artifact = json.load(file)
ABI, BYTECODE = artifact["abi"], artifact["bytecode"]["object"]
for account in ACCOUNTS:
    w3.middleware_onion.inject(SignAndSendRawMiddlewareBuilder.build(account), layer=0)


def step(text):
    print("ok", text, flush=True)


def refusal(kind, action):
    try:
        action()
    except kind as error:
        return error
    raise AssertionError(f"should have raised {kind}")


def mined(transaction_hash):
    return w3.eth.wait_for_transaction_receipt(transaction_hash, timeout=15, poll_latency=0.02)


def chain():
    assert w3.is_connected()
    assert w3.eth.chain_id == 13371
    assert w3.net.version == "13371" and w3.net.listening and w3.net.peer_count == 0
    assert w3.eth.syncing is False
    assert w3.client_version.lower().startswith("aura/")
    for tag in ["earliest", "latest", "safe", "finalized", "pending"]:
        block = w3.eth.get_block(tag)
        assert isinstance(block.number, int) and block.baseFeePerGas > 0, tag
    refusal(BlockNotFound, lambda: w3.eth.get_block(10**9))
    refusal(TransactionNotFound, lambda: w3.eth.get_transaction(b"\7" * 32))
    step("chain")


def transfer():
    before = w3.eth.get_balance(BOB.address)
    receipt = mined(w3.eth.send_transaction({"from": ALICE.address, "to": BOB.address, "value": w3.to_wei(1, "ether")}))
    assert (receipt.status, receipt.type, receipt.gasUsed) == (1, 2, 21_000)
    assert w3.eth.get_balance(BOB.address) == before + 10**18
    transaction = w3.eth.get_transaction(receipt.transactionHash)
    assert transaction.value == 10**18 and transaction.chainId == 13371
    raw = w3.eth.get_raw_transaction(receipt.transactionHash)
    assert w3.keccak(raw) == receipt.transactionHash
    history = w3.eth.fee_history(2, "latest", [25, 75])
    assert history.baseFeePerGas[-2] == w3.eth.get_block("latest").baseFeePerGas
    step("transfer")


def deploy():
    factory = w3.eth.contract(abi=ABI, bytecode=BYTECODE)
    receipt = mined(factory.constructor().transact({"from": ALICE.address}))
    assert receipt.status == 1
    step("deploy")
    return w3.eth.contract(address=receipt.contractAddress, abi=ABI)


def contract(probe):
    mined(probe.functions.set(21).transact({"from": BOB.address}))
    assert probe.functions.value().call() == 21
    assert probe.functions.caller().call({"from": CAROL.address}) == CAROL.address
    receipt = mined(probe.functions.ping(5, "from web3.py").transact({"from": BOB.address}))
    (event,) = probe.events.Ping().process_receipt(receipt)
    assert (event.args.id, event.args.text) == (5, "from web3.py")
    found = probe.events.Ping.get_logs(from_block=0, argument_filters={"id": 5})
    assert [log.transactionHash for log in found] == [receipt.transactionHash]
    assert int.from_bytes(w3.eth.get_storage_at(probe.address, 0)) == 21
    receipts = w3.eth.get_block_receipts(receipt.blockNumber)
    assert [r.transactionHash for r in receipts] == [receipt.transactionHash]
    access = w3.eth.create_access_list({"from": BOB.address, "to": probe.address, "data": probe.encode_abi("set", [3])})
    assert access.accessList[0].address == probe.address and access.gasUsed > 21_000
    step("contract")


def kinds(probe):
    price = w3.eth.gas_price
    legacy = mined(w3.eth.send_transaction({"from": ALICE.address, "to": BOB.address, "value": 1, "gasPrice": price}))
    assert legacy.type == 0
    nonce = w3.eth.get_transaction_count(BOB.address)
    authority = {"chainId": 13371, "address": probe.address, "nonce": nonce + 1}
    delegation = BOB.sign_authorization(authority)
    receipt = mined(w3.eth.send_transaction({
        "from": BOB.address, "to": BOB.address, "authorizationList": [delegation], "gas": 200_000,
        "maxFeePerGas": 10 * price, "maxPriorityFeePerGas": 1,
    }))
    assert (receipt.type, receipt.status) == (4, 1)
    assert w3.eth.get_code(BOB.address) == bytes.fromhex("ef0100" + probe.address[2:].lower())
    step("kinds")


def filters(probe):
    blocks, logs, pending = w3.eth.filter("latest"), probe.events.Ping.create_filter(from_block="latest"), w3.eth.filter("pending")
    receipt = mined(probe.functions.ping(6, "filtered").transact({"from": CAROL.address}))
    assert blocks.get_new_entries() == [receipt.blockHash]
    assert [event.args.id for event in logs.get_new_entries()] == [6]
    assert pending.get_new_entries() == [receipt.transactionHash]
    assert blocks.get_new_entries() == [] == logs.get_new_entries()
    assert w3.eth.uninstall_filter(blocks.filter_id)
    gone = refusal(Web3RPCError, blocks.get_new_entries)
    assert "filter not found" in str(gone), gone
    step("filters")


def errors(probe):
    probes = probe.functions
    assert "no entry" in str(refusal(ContractLogicError, probes.failReason(1).call))
    custom = refusal(ContractCustomError, probes.failCustom(7).call)
    assert custom.data == probe.encode_abi("failCustom", [7])[:0] + custom.data and custom.data[2:10] == w3.keccak(text="Probe_Refused(address,uint256)").hex()[:8]
    refusal(ContractPanicError, probes.failPanic(0).call)
    refusal(ContractLogicError, probes.failEmpty().call)
    assert "no entry" in str(refusal(ContractLogicError, lambda: probes.failReason(1).estimate_gas({"from": ALICE.address})))
    nowhere = w3.eth.contract(address="0x" + "7" * 40, abi=ABI)
    refusal(BadFunctionCallOutput, nowhere.functions.value().call)
    base = {"from": ALICE.address, "to": BOB.address, "value": 1, "gas": 21_000}
    assert "nonce too low" in str(refusal(Web3RPCError, lambda: w3.eth.send_transaction({**base, "nonce": 0})))
    poor = refusal(Web3RPCError, lambda: w3.eth.send_transaction({**base, "value": 10**23}))
    assert "insufficient funds for gas * price + value" in str(poor)
    failed = mined(probes.failReason(1).transact({"from": ALICE.address, "gas": 100_000}))
    assert failed.status == 0
    step("errors")


def batch():
    with w3.batch_requests() as requests:
        requests.add(w3.eth.get_balance(CAROL.address))
        requests.add(w3.eth.get_block("latest"))
        balance, block = requests.execute()
    assert balance > 0 and block.number == w3.eth.block_number
    step("batch")


async def subscriptions(address):
    async with AsyncWeb3(WebSocketProvider(WS_URL)) as live:
        heads, pings, pending = [], [], []

        async def head(context):
            heads.append(context.result.number)

        async def ping(context):
            pings.append(int(context.result.topics[2].hex(), 16))
            if len(pings) == 5:
                await live.subscription_manager.unsubscribe_all()

        async def arrived(context):
            pending.append(context.result)

        await live.subscription_manager.subscribe([
            NewHeadsSubscription(handler=head),
            PendingTxSubscription(handler=arrived),
            LogsSubscription(address=address, topics=[Web3.keccak(text="Ping(address,uint256,string)")], handler=ping),
        ])
        first = await live.eth.block_number + 1
        probe = w3.eth.contract(address=address, abi=ABI)

        def send():
            return [mined(probe.functions.ping(i, "seen").transact({"from": CAROL.address})).transactionHash for i in range(1, 6)]

        sent, _ = await asyncio.wait_for(
            asyncio.gather(asyncio.to_thread(send), live.subscription_manager.handle_subscriptions()), timeout=30
        )
        assert pings == [1, 2, 3, 4, 5], pings
        # Each subscription comes in its own time: the last of one may come after the last of another.
        assert pending == sent[: len(pending)] and len(pending) >= 4, pending
        assert heads == [first + i for i in range(5)][: len(heads)] and len(heads) >= 4, heads
    step("subscriptions")


chain()
transfer()
PROBE_CONTRACT = deploy()
contract(PROBE_CONTRACT)
kinds(PROBE_CONTRACT)
filters(PROBE_CONTRACT)
errors(PROBE_CONTRACT)
batch()
asyncio.run(subscriptions(PROBE_CONTRACT.address))
