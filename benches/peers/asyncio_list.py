"""The script that one would write: read the manifests, list the account page by page in parallel, compare.

    asyncio_list.py BASE_URL TOKEN PAGE_SIZE PATH
"""

import asyncio
import sys

import aiohttp

import orders

AT_ONCE = 16


async def pages(base, token, size, expected):
    """All orders by key. A page that is not full is the last one; what is expected is asked for side by side."""
    live = {}
    connector = aiohttp.TCPConnector(limit=AT_ONCE)
    headers = {"Authorization": f"Bearer {token}"}
    async with aiohttp.ClientSession(connector=connector, headers=headers) as session:

        async def page(offset):
            url = f"{base}/license-orders"
            async with session.get(url, params={"offset": offset}) as reply:
                reply.raise_for_status()
                return await reply.json()

        offset, count = 0, expected // size + 1
        while True:
            offsets = range(offset, offset + count * size, size)
            rows = await asyncio.gather(*map(page, offsets))
            for page_rows in rows:
                for order in page_rows:
                    live[order["activation_key"]] = order
            if any(len(page_rows) < size for page_rows in rows):
                return live
            offset, count = offset + count * size, 1


def main():
    base, token, size, path = sys.argv[1:]
    wanted = list(orders.manifests(path))
    live = asyncio.run(pages(base, token, int(size), len(wanted)))
    changed, missing, in_sync = [], [], 0
    for name, key, desired in wanted:
        order = live.get(key)
        if order is None:
            missing.append(name)
        elif orders.differs(desired, order):
            changed.append(name)
        else:
            in_sync += 1
    orders.report(changed, in_sync, missing)


if __name__ == "__main__":
    main()
