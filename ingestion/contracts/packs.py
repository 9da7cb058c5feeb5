"""The units of measure this product can name: codes of UN/ECE Recommendations 20 and 21, SAP's, and everyday words."""

from __future__ import annotations

# One line per meaning; lower case, without dots. A unit that is not here is flagged, never refused.
_SPELLINGS = """
each ea c62 h87 pce pc pcs piece pieces unit units item items st stk nmb 个 件 只 枚 块 条 支 根 粒 张 片 份 台 把 颗 头
pair pr pa 双 对 副
dozen dz dzn doz 打
gross gro
case cs ca cas ct ctn kar carton cartons 箱
box bx ki 盒
pack pk pkt pak packet inner 包 组 提
bag bg sack sa sachet pouch 袋
bottle bo bot btl fl 瓶
can cn tin 罐 听
jar jr 坛
cup tub tray tr shrink 杯 托 板
tube tu 管
roll ro rl 卷
drum dr barrel bbl keg 桶
crate cr basket 筐 篮
set 套
layer lay lyr 层
pallet pal pf plt px 栈板
sheet 页
kg kgm kilo kilogram kilograms 千克 公斤
g gr grm gram grams 克
mg mgm milligram 毫克
t to tne tonne ton 吨
jin 斤
lb lbs lbr pound pounds 磅
oz onz ounce ounces 盎司
l lt ltr litre liter litres liters 升
ml mlt millilitre milliliter 毫升
cl clt centilitre centiliter
hl hlt hectolitre hectoliter 百升
m3 mtq cbm 立方米
gal gll gallon gallons 加仑
m mtr metre meter metres meters 米
cm cmt centimetre centimeter 厘米
mm mmt millimetre millimeter 毫米
m2 mtk sqm 平方米
ft fot foot feet
h hur hr hour hours 小时
min minute minutes 分钟
"""
KNOWN_UNITS = frozenset(_SPELLINGS.split())
