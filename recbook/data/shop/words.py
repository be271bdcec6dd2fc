"""The words of the shop in English and Chinese: shelves, styles, brands, topics, cities."""

from __future__ import annotations

from typing import NamedTuple


class Category(NamedTuple):
    """One shelf: its names, another word for it, its pinyin, and its usual price."""

    department: int
    en: str
    zh: str
    synonym_en: str
    synonym_zh: str
    pinyin: str
    price: float


class Topic(NamedTuple):
    """A latent topic of the descriptions: its name and words, (English, Chinese) pairs."""

    en: str
    zh: str
    adjectives: tuple[tuple[str, str], ...]
    nouns: tuple[tuple[str, str], ...]


DEPARTMENTS = (
    ("Food", "食品"),
    ("Kitchen", "厨房"),
    ("Home", "家居"),
    ("Clothing", "服装"),
    ("Electronics", "电子"),
    ("Sports", "运动"),
)

CATEGORIES = (
    Category(0, "tea", "茶叶", "infusion", "茗茶", "chaye", 12.0),
    Category(0, "coffee", "咖啡", "espresso", "拿铁", "kafei", 14.0),
    Category(0, "noodles", "面条", "ramen", "拉面", "miantiao", 6.0),
    Category(0, "biscuits", "饼干", "cookies", "曲奇", "binggan", 7.0),
    Category(1, "cup", "杯子", "mug", "茶缸", "beizi", 15.0),
    Category(1, "kettle", "水壶", "teapot", "茶壶", "shuihu", 45.0),
    Category(1, "pan", "锅具", "wok", "炒锅", "guoju", 60.0),
    Category(1, "knife", "刀具", "cleaver", "菜刀", "daoju", 38.0),
    Category(2, "lamp", "台灯", "lantern", "灯具", "taideng", 55.0),
    Category(2, "pillow", "枕头", "cushion", "靠垫", "zhentou", 28.0),
    Category(2, "blanket", "毛毯", "quilt", "被子", "maotan", 48.0),
    Category(2, "candle", "蜡烛", "taper", "香薰", "lazhu", 11.0),
    Category(3, "shirt", "衬衫", "blouse", "上衣", "chenshan", 35.0),
    Category(3, "shoes", "鞋子", "sneakers", "球鞋", "xiezi", 80.0),
    Category(3, "scarf", "围巾", "shawl", "披肩", "weijin", 24.0),
    Category(3, "bag", "背包", "rucksack", "书包", "beibao", 65.0),
    Category(4, "phone", "手机", "smartphone", "电话", "shouji", 420.0),
    Category(4, "headphones", "耳机", "earphones", "耳麦", "erji", 90.0),
    Category(4, "keyboard", "键盘", "keypad", "按键", "jianpan", 70.0),
    Category(4, "speaker", "音箱", "loudspeaker", "音响", "yinxiang", 110.0),
    Category(5, "ball", "皮球", "football", "足球", "piqiu", 22.0),
    Category(5, "racket", "球拍", "paddle", "拍子", "qiupai", 75.0),
    Category(5, "mat", "瑜伽垫", "pad", "垫子", "yujiadian", 30.0),
    Category(5, "bottle", "水瓶", "flask", "瓶子", "shuiping", 18.0),
)

STYLES = (
    ("minimal", "简约"),
    ("classic", "经典"),
    ("playful", "童趣"),
    ("sporty", "动感"),
    ("natural", "自然"),
    ("luxury", "奢华"),
)

# Name, Chinese name, and what the name does to the price.
BRANDS = (
    ("Aurora", "曙光", 1.00),
    ("Bamboo", "青竹", 0.80),
    ("Cedar", "雪松", 1.10),
    ("Delta", "三江", 0.85),
    ("Ember", "余烬", 1.20),
    ("Gale", "清风", 0.75),
    ("Ginkgo", "银杏", 1.05),
    ("Harbor", "港湾", 0.90),
    ("Iris", "鸢尾", 1.30),
    ("Jade", "翠玉", 1.60),
    ("Kite", "纸鸢", 0.70),
    ("Lotus", "莲花", 1.00),
)


def _pairs(text: str) -> tuple[tuple[str, str], ...]:
    words = text.split()
    return tuple(zip(words[::2], words[1::2], strict=True))


TOPICS = (
    Topic(
        "travel",
        "旅行",
        _pairs("portable 便携 foldable 折叠 light 轻巧 compact 小巧 waterproof 防水 sturdy 结实"),
        _pairs("trips 出游 trains 火车 hotels 酒店 luggage 行李 flights 航班 weekends 周末"),
    ),
    Topic(
        "office",
        "办公",
        _pairs("quiet 静音 efficient 高效 tidy 整洁 focused 专注 practical 实用 professional 专业"),
        _pairs("desks 书桌 meetings 会议 reports 报告 colleagues 同事 overtime 加班 projects 项目"),
    ),
    Topic(
        "party",
        "聚会",
        _pairs("bright 鲜艳 cheerful 欢快 festive 喜庆 shareable 共享 lively 热闹 funny 有趣"),
        _pairs("birthdays 生日 friends 朋友 games 游戏 holidays 节日 music 音乐 dinners 晚宴"),
    ),
    Topic(
        "health",
        "健康",
        _pairs("pure 纯净 organic 有机 mild 温和 balanced 均衡 fresh 新鲜 nourishing 滋养"),
        _pairs("mornings 清晨 diets 饮食 sleep 睡眠 skin 皮肤 breathing 呼吸 exercise 锻炼"),
    ),
    Topic(
        "comfort",
        "舒适",
        _pairs("soft 柔软 warm 温暖 cosy 惬意 thick 厚实 smooth 顺滑 relaxing 放松"),
        _pairs("sofas 沙发 winters 冬天 evenings 夜晚 bedrooms 卧室 films 电影 naps 午睡"),
    ),
    Topic(
        "gift",
        "礼物",
        _pairs("elegant 优雅 boxed 礼盒 precious 珍贵 romantic 浪漫 handmade 手工 delicate 精致"),
        _pairs(
            "parents 父母 weddings 婚礼 lovers 恋人 teachers 老师 anniversaries 纪念 thanks 感谢"
        ),
    ),
    Topic(
        "outdoors",
        "户外",
        _pairs("rugged 粗犷 durable 耐磨 windproof 防风 reflective 反光 insulated 保温 tough 坚固"),
        _pairs("mountains 山地 camping 露营 rivers 河流 cycling 骑行 forests 森林 picnics 野餐"),
    ),
    Topic(
        "smart",
        "智能",
        _pairs(
            "wireless 无线 rechargeable 充电 connected 互联 precise 精准 automatic 自动 fast 快速"
        ),
        _pairs("apps 应用 sensors 传感 screens 屏幕 students 学生 data 数据 homes 家庭"),
    ),
)

# City, Chinese name, region.
CITIES = (
    ("Beijing", "北京", "North"),
    ("Tianjin", "天津", "North"),
    ("Shanghai", "上海", "East"),
    ("Hangzhou", "杭州", "East"),
    ("Guangzhou", "广州", "South"),
    ("Shenzhen", "深圳", "South"),
    ("Chengdu", "成都", "West"),
    ("Xi'an", "西安", "West"),
)

REGIONS = ("North", "East", "South", "West")

# After a purchase from the first category, the next visit is a search for the second one with this
# probability. Food is bought again: its transition leads to itself.
TRANSITIONS = (
    ("tea", "tea", 0.35),
    ("coffee", "coffee", 0.50),
    ("noodles", "noodles", 0.50),
    ("biscuits", "biscuits", 0.40),
    ("kettle", "tea", 0.50),
    ("pan", "knife", 0.40),
    ("lamp", "candle", 0.35),
    ("pillow", "blanket", 0.45),
    ("shirt", "scarf", 0.40),
    ("phone", "headphones", 0.50),
    ("keyboard", "speaker", 0.35),
    ("racket", "shoes", 0.45),
    ("mat", "bottle", 0.50),
)

CATEGORY_NAMES = tuple(category.en for category in CATEGORIES)
STYLE_NAMES = tuple(name for name, _ in STYLES)
BRAND_NAMES = tuple(name for name, _, _ in BRANDS)
TOPIC_NAMES = tuple(topic.en for topic in TOPICS)
