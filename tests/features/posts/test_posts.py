"""x"""
async def test_it(make_user):
    ann = await make_user()
    r = await ann.client.post("/api/v1/posts", json={"body": "hi"})
    assert r.status == 201
    print(await r.json())
