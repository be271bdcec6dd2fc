"""Which column means what: the many ways in which people write "user", "item" and "rating"."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence

# In the order of preference; written as `plain` leaves them.
_SPELLINGS = """
user: userid user uid userno usernumber username customerid customer customerno memberid member
  householdid household clientid client buyerid buyer shopperid visitorid reviewerid accountid
  account personid viewerid 用户id 用户 用户编号 用户号 用户名 会员id 会员 客户id 客户 顾客id
  顾客 买家id 买家
item: itemid iid itemno productid productno sku asin goodsid articleid articleno stockcode movieid
  filmid bookid isbn songid trackid 商品id 商品编号 商品号 物品id 产品id 货号 电影id
  item product goods article movie film book song track 商品 物品 产品 电影
rating: rating ratings score stars star rate userrating overall grade preference 评分 打分 得分
  星级 分数
count: quantity qty count counts plays units 数量 次数 购买数量 件数
time: timestamp time datetime date ts unixtime unixreviewtime ratingtime createdat orderdate
  ordertime eventtime invoicedate purchasedate transactiontimestamp 时间 时间戳 日期 下单时间
  评分时间 购买时间
name: name title itemname productname movietitle filmtitle booktitle titleen 商品名称 商品名 名称
  标题 产品名称 书名 片名 titlezh item product article movie film book song track 商品 产品 电影
category: category categories genre genres department class type 类别 分类 品类 类型
text: description text details summary content descriptionen 描述 简介 说明 介绍 详情
price: price listprice cost unitprice amount 价格 单价 金额
"""
SPELLINGS: dict[str, tuple[str, ...]] = {
    role: tuple(told.split())
    for role, told in re.findall(r"^(\w+):((?:.+(?:\n  )?)+)$", _SPELLINGS, re.MULTILINE)
}


def plain(name: object) -> str:
    """Return a column's name without case, blanks and marks: "User ID", "userId" → "userid".

    Examples
    --------
    >>> plain(" User-ID "), plain("用户 ID")
    ('userid', '用户id')
    """
    text = unicodedata.normalize("NFKC", str(name)).casefold()
    return re.sub(r"[\W_]+", "", text)


def find_columns(
    names: Sequence[str], roles: Sequence[str], given: Mapping[str, str | None] | None = None
) -> dict[str, int]:
    """Return which column plays each role, by position; roles that none plays are left out.

    Parameters
    ----------
    names : sequence of str
        The header, as written.
    roles : sequence of str
        Keys of SPELLINGS; a column plays one role, the first that takes it.
    given : mapping of role to name, optional
        Names that the reader has told; the spelling must be hers but for case, blanks and marks.

    Raises
    ------
    ValueError
        If a name that was told is not there.

    Examples
    --------
    >>> find_columns(["Stars", "User ID", "SKU"], ["user", "item", "rating"])
    {'user': 1, 'item': 2, 'rating': 0}
    """
    written = [plain(name) for name in names]
    found: dict[str, int] = {}
    for role in roles:
        told = (given or {}).get(role)
        if told is None:
            continue
        exact = [at for at, name in enumerate(names) if str(name).strip() == told.strip()]
        at = exact or [at for at, name in enumerate(written) if name == plain(told)]
        if not at:
            shown = ", ".join(repr(str(name)[:30]) for name in names[:8])
            raise ValueError(f"has no column {told!r} for the {role} but {shown}; name another")
        found[role] = at[0]
    for role in roles:
        if role in found:
            continue
        for spelling in SPELLINGS[role]:
            at = [n for n, name in enumerate(written) if name == spelling]
            at = [n for n in at if n not in found.values()]
            if at:
                found[role] = at[0]
                break
    return found


def columns_known(
    names: Sequence[str], roles: Sequence[str], given: Mapping[str, str | None] | None = None
) -> dict[str, int]:
    """Return what `find_columns` returns, nothing where a name that was told is not there."""
    try:
        return find_columns(names, roles, given)
    except ValueError:
        return {}
